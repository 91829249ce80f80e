"""The web page: machines at a glance, one machine and why, alarms; and the JSON that is behind it.

Nothing of it is on the network: scripts, styles and plots come with the package. It asks `Live`
for what is known now and `Reading` for what is stored, and computes a spectrum only when a browser
asks for it.
"""
