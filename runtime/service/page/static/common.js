// What every page does: times as people read them, forms without a reload.
import { actOnForms } from "./forms.js";
import { keepTimes } from "./times.js";

keepTimes();
actOnForms();
