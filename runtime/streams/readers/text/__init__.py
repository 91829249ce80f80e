"""Tables as text, sniffed by their content: lines, cells, headings, times, and LabVIEW's LVM."""
