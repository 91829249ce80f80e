// A page that shows nothing live.
import { actOnForms } from "./forms.js";
import { keepTimes } from "./times.js";

keepTimes();
actOnForms();
