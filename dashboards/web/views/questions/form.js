// A question's parameters as a form: a day is a date, a code is chosen by its word, a number is a number. What is
// sent stands in the address.

import { make } from "../../parts/dom.js";
import { lang, t } from "../../shell/words.js";

const LIMITS = { UInt8: 255, UInt16: 65_535, UInt32: 4_294_967_295 };

export class Form {
  /** `onAsk(values)` with the text of every parameter. */
  constructor({ parameters, ward }, { choices }, { role }, onAsk) {
    this.root = make("form", "q-form");
    this.fields = parameters.map((parameter) => field(parameter, choices, role === "ward" && parameter.name === ward));
    const ask = make("button", "ask", t("ask"));
    ask.type = "submit";
    const last = make("div", "q-field");
    last.append(ask);
    this.root.append(...this.fields.map(({ box }) => box), last);
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      onAsk(this.values());
    });
  }

  values() {
    return Object.fromEntries(this.fields.map(({ name, input }) => [name, input.value]));
  }

  /** Show what the address says, and return it: a field may not be able to hold what is no such value. */
  show(get) {
    const values = Object.fromEntries(this.fields.map(({ name, fallback }) => [name, get(name) || fallback]));
    for (const { name, input } of this.fields) put(input, values[name]);
    return values;
  }
}

function field(parameter, choices, forced) {
  const { name, kind, choices: list, optional } = parameter;
  const [label, ...hints] = (parameter[lang] || name).split(/;\s*/);
  const input = list ? chooser(choices[list], forced) : writer(kind);
  input.name = name;
  input.id = `p-${name}`;
  if (!optional && !list && kind !== "String") input.required = true;
  const box = make("div", "q-field");
  const title = make("label", "", label);
  title.htmlFor = input.id;
  box.append(title, input);
  if (hints.length) {
    const hint = make("span", "note", hints.join("; "));
    hint.id = `hint-${name}`;
    input.setAttribute("aria-describedby", hint.id);
    box.append(hint);
  }
  return { name, input, box, fallback: forced ? choices[list][0].code : parameter.default };
}

/** A list by words. A ward's viewer has only its own ward to choose. */
function chooser(list, forced) {
  const select = make("select");
  const first = forced ? [] : [new Option(t("any"), "")];
  select.append(...first, ...list.map((each) => new Option(each[lang], each.code)));
  return select;
}

function writer(kind) {
  const input = make("input");
  if (kind.startsWith("Date")) {
    input.type = "date";
    input.min = "2020-01-01";
    input.max = "2099-12-31";
  } else if (/^U?Int|^Float/.test(kind)) {
    input.type = "number";
    input.step = kind.startsWith("Float") ? "any" : "1";
    if (kind.startsWith("U")) input.min = "0";
    if (LIMITS[kind]) input.max = String(LIMITS[kind]);
  } else {
    input.maxLength = 200;
    input.autocomplete = "off";
  }
  return input;
}

/** A code that is in no list can stand in the address all the same. */
function put(input, value) {
  if (input.tagName === "SELECT" && ![...input.options].some((each) => each.value === value)) input.append(new Option(value, value));
  input.value = value;
}
