// The form on the page of a model: asks it by the session of the page, and shows the answer as text and bars.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const MOST_BARS = 12;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** The value of a field as the service takes it; null where it is empty. Throws a text for a person. */
function valueOf(field) {
  const text = field.value.trim();
  if (text === "") return null;
  if (field.dataset.kind === "tokens") return field.value.split("\n").filter((line) => line !== "");
  if (field.dataset.kind !== "number") return field.value;
  const figure = Number(text);
  if (!Number.isFinite(figure)) throw `${field.dataset.field} is ${text}, not a number.`;
  return figure;
}

/** A bar from the middle, or from the left where nothing is below 0; `size` in [-1, 1]. */
function bar(size, fromMiddle) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "share");
  drawing.setAttribute("viewBox", "0 0 100 4");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  const length = Math.min(1, fromMiddle ? Math.abs(size) : Math.max(0, size)) * (fromMiddle ? 50 : 100);
  const start = fromMiddle ? (size < 0 ? 50 - length : 50) : 0;
  for (const [className, x, width] of [["ground", 0, 100], [size < 0 ? "unsure" : "accent", start, length]]) {
    const mark = document.createElementNS(SVG, "rect");
    mark.setAttribute("class", className);
    mark.setAttribute("x", x);
    mark.setAttribute("width", width);
    mark.setAttribute("height", 4);
    drawing.append(mark);
  }
  return drawing;
}

function bars(title, rows, fromMiddle) {
  const part = element("div", undefined, "bars");
  part.append(element("h3", title));
  const list = element("ul", undefined, "mix");
  const sizes = rows.map((row) => (fromMiddle ? Math.abs(row.size) : row.size));
  const largest = Math.max(...sizes, 1e-9);
  for (const row of rows.slice(0, MOST_BARS)) {
    const line = element("li");
    line.append(element("span", row.name), element("span", row.text), bar(row.size / largest, fromMiddle));
    list.append(line);
  }
  part.append(list);
  if (rows.length > MOST_BARS) part.append(element("p", `and ${rows.length - MOST_BARS} more`, "note"));
  return part;
}

function shown(value) {
  if (value === null) return "missing";
  return typeof value === "number" ? String(Number(value.toPrecision(5))) : value;
}

function reasons(codes) {
  const rows = codes.filter((code) => code.points !== 0).map((code) => ({
    name: `${code.feature} = ${shown(code.value)}`,
    text: (code.points < 0 ? "\u2212" : "+") + Math.abs(code.points).toFixed(3),
    size: code.points,
  }));
  return bars("What each feature adds to the score", rows, true);
}

function show(place, answer, milliseconds) {
  const head = element("div");
  head.append(element("p", answer.prediction || "(empty)", "prediction"));
  const confidence = `confidence ${(100 * answer.confidence).toFixed(1)} %`;
  const who = `version ${answer.version}, as ${answer.arm}`;
  head.append(element("p", `${confidence} · ${who} · ${milliseconds.toFixed(0)} ms there and back`));
  if (answer.fallback) head.append(element("p", `Fallback: ${answer.cause}.`, "fault unsure"));
  head.append(element("p", `Prediction ${answer.prediction_id}`, "note"));
  place.append(head);
  const scores = Object.entries(answer.scores || {}).sort((a, b) => b[1] - a[1]);
  if (answer.reasons && answer.reasons.codes) place.append(reasons(answer.reasons.codes));
  if (scores.length > 1) {
    place.append(bars("Scores", scores.map(([name, size]) => ({ name, text: size.toFixed(3).replace("-", "\u2212"), size })), false));
  }
}

function showProblem(place, text, errors) {
  place.append(element("p", text, "fault bad"));
  if (errors.length) {
    const list = element("ul");
    for (const each of errors) list.append(element("li", each));
    place.append(list);
  }
}

async function ask(form, place) {
  const features = {};
  for (const field of form.querySelectorAll("[data-field]")) features[field.dataset.field] = valueOf(field);
  const request = { model: form.dataset.model, features, scores: true, explain: form.dataset.explain === "yes" };
  const user = form.elements.user.value.trim();
  if (user) request.user_id = user;
  const since = performance.now();
  const response = await fetch("/api/ml/predict", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  place.replaceChildren();
  if (response.ok) show(place, answer, performance.now() - since);
  else if (response.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  else showProblem(place, `${answer.detail} ${answer.remedy || ""}`, answer.errors || []);
}

for (const form of document.querySelectorAll("form.ask")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const place = document.getElementById("answer");
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await ask(form, place);
    } catch (error) {
      place.replaceChildren();
      showProblem(place, typeof error === "string" ? error : "The service did not answer.", []);
    } finally {
      button.disabled = false;
      place.hidden = false;
    }
  });
}
