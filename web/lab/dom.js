// Elements are made here and nowhere else. Whatever comes from a run is a text node or an attribute's value, never markup.

const events = /^on([a-z]+)$/;

function put(element, name, value) {
  const event = name.match(events);
  if (event) {
    element.addEventListener(event[1], value);
  } else if (name === "style") {
    for (const [key, setting] of Object.entries(value)) element.style.setProperty(key, setting);
  } else if (name === "value" || name === "checked" || name === "selected" || name === "disabled" || name === "hidden") {
    element[name] = value;
  } else if (value !== false && value !== null && value !== undefined) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

function add(element, child) {
  if (Array.isArray(child)) {
    for (const c of child) add(element, c);
  } else if (child !== null && child !== undefined && child !== false) {
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) put(element, name, value);
  add(element, children);
  return element;
}

const space = "http://www.w3.org/2000/svg";

export function svg(tag, props, ...children) {
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(props || {})) put(element, name, value);
  add(element, children);
  return element;
}

let count = 0;

/** A select with its label; choices are texts or [value, text]. */
export function choice(label, choices, value, changed) {
  const id = `c${++count}`;
  const select = h("select", { id, onchange: () => changed(select.value) }, choices.map((c) => {
    const [key, text] = Array.isArray(c) ? c : [c, c];
    return h("option", { value: key, selected: key === value }, text);
  }));
  return h("span", { class: "control" }, h("label", { for: id }, label), select);
}

/** A check box with its label. */
export function check(label, on, changed) {
  const box = h("input", { type: "checkbox", checked: on, onchange: () => changed(box.checked) });
  return h("label", { class: "control check" }, box, " ", label);
}

/** A section of the page with a heading that can be linked to. */
export function section(id, title, ...children) {
  return h("section", { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title`, tabindex: "-1" }, title), children);
}

/** A canvas that is drawn again when its size or the colours change. */
export function canvas(label, height, draw) {
  const element = h("canvas", { class: "picture", role: "img", "aria-label": label });
  const redraw = () => {
    const width = element.clientWidth, tall = typeof height === "function" ? height(width) : height;
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    element.style.height = `${tall}px`;
    element.width = Math.round(width * ratio);
    element.height = Math.round(tall * ratio);
    const context = element.getContext("2d");
    context.scale(ratio, ratio);
    draw(context, width, tall);
  };
  let known = 0;
  new ResizeObserver(() => {
    if (element.clientWidth !== known) {
      known = element.clientWidth;
      requestAnimationFrame(redraw); // not at once: it changes what is observed
    }
  }).observe(element);
  element.redraw = redraw;
  return element;
}
