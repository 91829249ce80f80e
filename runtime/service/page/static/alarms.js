// The list of alarms, as it changes.
import "./common.js";
import { listen } from "./listen.js";
import { refreshSoon } from "./parts.js";

listen({ change() { refreshSoon(); } });
