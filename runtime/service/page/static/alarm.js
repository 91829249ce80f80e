// One alarm: its course as it changes, and its waveform.
import "./common.js";
import { listen } from "./listen.js";
import { refreshSoon } from "./parts.js";
import { showWaveforms } from "./waveform.js";

listen({ change() { refreshSoon(); } });
showWaveforms();
