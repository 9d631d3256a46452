/** An element of a parsed page. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (Element | string)[];
}

const voids = new Set(["meta", "br", "hr", "img", "input", "link"]);
/** Their content is text, whatever it holds. */
const raw = new Set(["style", "script"]);

/** Parses HTML or SVG of which every element is closed. Throws for anything else. */
export function parseHtml(text: string): Element {
  const root: Element = { name: "", attributes: {}, children: [] };
  const open: Element[] = [root];
  const token = /<!--.*?-->|<!doctype html>|<\/([\w-]+)>|<([\w-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gsy;
  let at = 0;
  while (at < text.length) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match) throw new Error(`no HTML at: ${text.slice(at, at + 80)}`);
    at = token.lastIndex;
    const [, closed, name, attributes = "", selfClosed, content] = match;
    const parent = open.at(-1) ?? root;
    if (closed !== undefined) {
      if (parent.name !== closed) throw new Error(`</${closed}> closes <${parent.name}>`);
      open.pop();
    } else if (name !== undefined) {
      const element: Element = { name, attributes: attributesOf(attributes), children: [] };
      parent.children.push(element);
      if (raw.has(name)) {
        const end = text.indexOf(`</${name}>`, at);
        element.children.push(text.slice(at, end));
        at = end + name.length + 3;
      } else if (!voids.has(name) && selfClosed === "") open.push(element);
    } else if (content !== undefined) parent.children.push(unescaped(content));
  }
  if (open.length > 1) throw new Error(`<${open.at(-1)?.name}> is never closed`);
  return root;
}

/** All elements inside, in the order of the text. */
export function elementsIn(element: Element): Element[] {
  return element.children.flatMap((child) => (typeof child === "string" ? [] : [child, ...elementsIn(child)]));
}

/** All elements of this name. */
export function findAll(element: Element, name: string): Element[] {
  return elementsIn(element).filter((each) => each.name === name);
}

/** The text of an element and of all inside. */
export function textOf({ children }: Element): string {
  return children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([\w:-]+)="([^"]*)"/g)];
  return Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, unescaped(value)]));
}

const characters: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };

function unescaped(text: string): string {
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (whole, name: string) => characters[name] ?? whole);
}
