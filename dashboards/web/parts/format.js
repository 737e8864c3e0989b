// Numbers and times as people in Viet Nam read them: 66.000, 97,3 %, 21/07/2025, Hanoi's clock.

import { lang, t } from "../shell/words.js";

const ZONE = "Asia/Ho_Chi_Minh";
const LOCALES = { vi: "vi-VN", en: "en-GB" };
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1], ["ms", 0.001]];
const made = new Map();

function format(kind, options) {
  const key = `${lang}${kind.name}${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new kind(LOCALES[lang], options));
  return made.get(key);
}

export function number(value) {
  return value == null ? t("none") : format(Intl.NumberFormat, {}).format(value);
}

/** 0.973 as "97,3 %", with a space that does not break; in English "97.3%". Almost all is never said as all, nor a little as nothing. */
export function share(value) {
  if (value == null) return t("none");
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  let [sign, shown] = ["", value];
  if (value >= 0.9995 && value < 1) [sign, shown] = [">", 0.999];
  if (value > 0 && value < 0.0005) [sign, shown] = ["<", 0.001];
  const figure = format(Intl.NumberFormat, digits).format(shown * 100);
  return `${sign}${figure}${lang === "vi" ? "\u00a0" : ""}%`;
}

/** A change: "+12", "−3", "0"; of a share in points: "+0,4". */
export function change(value, digits = 0) {
  if (value == null) return t("none");
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const size = format(Intl.NumberFormat, options).format(Math.abs(value));
  const rounded = Math.abs(value) < 0.5 / 10 ** digits ? 0 : value;
  return `${rounded > 0 ? "+" : rounded < 0 ? "\u2212" : ""}${size}`;
}

/** A short span: "45 giây", "12 phút", "3,5 giờ", "2 ngày". */
export function span(seconds) {
  if (seconds == null) return t("none");
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? UNITS.at(-1);
  const value = seconds / size;
  const digits = { maximumFractionDigits: value < 10 && unit !== "second" ? 1 : 0 };
  return t(`unit_${unit}`, { n: format(Intl.NumberFormat, digits).format(value) });
}

export function time(iso) {
  const parts = { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  return format(Intl.DateTimeFormat, parts).format(new Date(iso));
}

export function date(iso) {
  const parts = { timeZone: ZONE, day: "2-digit", month: "2-digit", year: "numeric" };
  return format(Intl.DateTimeFormat, parts).format(new Date(iso));
}

/** A calendar day, "2025-07-21", which has no zone. */
export function day(iso) {
  const [year, month, number] = iso.split("-");
  return `${number}/${month}/${year}`;
}

export function weekday(iso) {
  return format(Intl.DateTimeFormat, { timeZone: "UTC", weekday: "short" }).format(new Date(iso));
}

export function month(iso) {
  return format(Intl.DateTimeFormat, { timeZone: "UTC", month: "long", year: "numeric" }).format(new Date(iso));
}

/** A moment in a narrow column: the time today, else the date and time. */
export function moment(iso) {
  if (!iso) return t("none");
  const now = new Date().toISOString();
  return date(iso) === date(now) ? time(iso) : `${date(iso)} ${time(iso).slice(0, 5)}`;
}

/** "Ba Đình" as "ba dinh", so that a search needs no diacritics. */
export function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase();
}

export function collator() {
  return format(Intl.Collator, {});
}
