// Shows events as they come. All that they say is put in as text, never as HTML.
"use strict";

const list = document.getElementById("events");
const link = document.getElementById("link");
const count = document.getElementById("count");
const shown = 1000;

function piece(name, className, text) {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

function row(told) {
  const event = told.event;
  const item = document.createElement("li");
  item.append(piece("span", `chip ${told.source}`, told.source));
  item.append(piece("strong", "", event.event_type));
  const time = piece("time", "", new Date(event.created_at).toLocaleTimeString());
  time.dateTime = event.created_at;
  item.append(time);
  item.append(piece("span", "about", event.resource_id));
  if (event.operation_id) item.append(piece("span", "about", event.operation_id));
  const details = document.createElement("details");
  details.append(piece("summary", "", "details"));
  details.append(piece("pre", "", JSON.stringify(event, null, 2)));
  if (told.operation) details.append(piece("pre", "", JSON.stringify(told.operation, null, 2)));
  item.append(details);
  return item;
}

const stream = new EventSource("events");
stream.onopen = () => { link.textContent = "live"; };
stream.onerror = () => { link.textContent = "connecting"; };
stream.onmessage = (message) => {
  list.prepend(row(JSON.parse(message.data)));
  while (list.childElementCount > shown) list.lastElementChild.remove();
  count.textContent = `${list.childElementCount} shown`;
};
