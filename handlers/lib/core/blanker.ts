/**
 * The credentials that one client sent, and the rule that none of them comes back: every text of an answer passes
 * through it before anyone sees the text.
 */
export interface Blanker {
  /**
   * Remembers credentials, such as a token or the value of an `Authorization` header. Ignores values of fewer than four
   * characters: blanking them would spoil every text.
   */
  remember(...credentials: readonly string[]): void;
  /**
   * The text with `[hidden]` in place of every remembered credential: as it is, in base64 or hexadecimal, escaped for a
   * URL, for JSON or for HTML, in upper or lower case. Any eight characters in a row of a credential count, so one that
   * was cut is hidden, too. Fewer characters than that may stay: answers pass through here before the loop reads them, so a
   * shorter piece would hide names of agents and jobs that have these characters by chance. The credentials of all vendors
   * are random and have 24 characters or more, so 17 or more stay unknown.
   */
  blank(text: string): string;
  /**
   * A value of JSON with every text in it blanked, names of fields included. `undefined` if it is nested too deep.
   *
   * @param except the name of fields whose values stay as they are
   */
  blankAll(value: unknown, except?: string): unknown;
}

const mark = "[hidden]";
/** A shorter piece of a credential is not recognized. */
const pieceLength = 8;
const shortestCredential = 4;

/** See {@link Blanker}. */
export function createBlanker(): Blanker {
  const known = new Set<string>();
  const pieces = new Set<string>();
  /** A quick test: most texts hold no piece at all. */
  const traces = new Uint8Array(0x1_00_00);
  const short = new Set<string>();

  function add(form: string): void {
    if (form.length < pieceLength) short.add(form);
    for (let at = 0; at + pieceLength <= form.length; at += 1) {
      pieces.add(form.slice(at, at + pieceLength));
      traces[traceAt(form, at)] = 1;
    }
  }

  function blankPieces(text: string, folded: string): string {
    let result = "";
    let kept = 0;
    for (let at = 0; at + pieceLength <= folded.length; at += 1) {
      if (!traces[traceAt(folded, at)] || !pieces.has(folded.slice(at, at + pieceLength))) continue;
      let end = at + pieceLength;
      while (end < folded.length && pieces.has(folded.slice(end + 1 - pieceLength, end + 1))) end += 1;
      result += text.slice(kept, at) + mark;
      kept = end;
      at = end - 1;
    }
    return result + text.slice(kept);
  }

  function blank(text: string): string {
    let blanked = blankPieces(text, fold(text));
    for (const form of short) {
      const parts: string[] = [];
      let rest = 0;
      const folded = fold(blanked);
      for (let at = folded.indexOf(form); at !== -1; at = folded.indexOf(form, rest)) {
        parts.push(blanked.slice(rest, at));
        rest = at + form.length;
      }
      blanked = [...parts, blanked.slice(rest)].join(mark);
    }
    return blanked;
  }

  function blankAll(value: unknown, except?: string): unknown {
    if (typeof value === "string") return blank(value);
    if (Array.isArray(value)) return value.map((each) => blankAll(each, except));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [blank(name), name === except ? each : blankAll(each, except)]),
    );
  }

  return {
    remember(...credentials) {
      for (const credential of credentials.flatMap(partsOf)) {
        if (credential.length < shortestCredential || known.has(credential)) continue;
        known.add(credential);
        for (const form of formsOf(credential)) add(form);
      }
    },
    blank: (text) => (known.size === 0 ? text : blank(text)),
    blankAll(value, except) {
      if (known.size === 0) return value;
      try {
        return blankAll(value, except);
      } catch (error) {
        if (error instanceof RangeError) return undefined;
        throw error;
      }
    },
  };
}

/** A credential without its scheme, such as `Bearer`. Of `Basic`, the password, too. */
function partsOf(credential: string): readonly string[] {
  const [, scheme, rest] = /^(bearer|basic|token) (\S+)$/i.exec(credential) ?? [];
  if (scheme === undefined || rest === undefined) return [credential];
  if (scheme.toLowerCase() !== "basic") return [rest];
  const decoded = Buffer.from(rest, "base64").toString();
  return [rest, decoded.slice(decoded.indexOf(":") + 1)];
}

/** Characters of credentials that encoders of HTML and JSON treat in their own ways. */
const special = /[&<>"'+/=`]/g;

const hexOf = (character: string) => character.charCodeAt(0).toString(16).padStart(2, "0");

function formsOf(credential: string): ReadonlySet<string> {
  const bytes = Buffer.from(credential);
  const wellFormed = bytes.toString();
  const encoded = [bytes.toString("hex"), ...[0, 1, 2].map((before) => base64Within(bytes, before))];
  const plain = [wellFormed, ...encoded.filter((form) => form.length >= shortestCredential)];
  const forms = plain.flatMap((form) => [
    form,
    form.replaceAll("+", "-").replaceAll("/", "_"),
    encodeURIComponent(form),
    new URLSearchParams([["", form]]).toString().slice(1),
    JSON.stringify(form).slice(1, -1),
    JSON.stringify(form).slice(1, -1).replaceAll("/", "\\/"),
    JSON.stringify(JSON.stringify(form).slice(1, -1)).slice(1, -1),
    encodeURIComponent(encodeURIComponent(form)),
    form.replaceAll(/[^\w-]/g, (character) => `%${hexOf(character)}`),
    form.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
    // As .NET and PHP write HTML, and .NET JSON.
    form.replaceAll(special, (character) => `&#x${hexOf(character)};`),
    form.replaceAll(special, (character) => `&#${character.charCodeAt(0)};`),
    form.replaceAll(special, (character) => `\\u${hexOf(character).padStart(4, "0")}`),
    form.replaceAll(special, (character) => `\\\\u${hexOf(character).padStart(4, "0")}`),
  ]);
  return new Set(forms.map(fold));
}

/** The characters in which the base64 of a text shows these bytes, `before` bytes after a multiple of three. */
function base64Within(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
  const whole = Math.floor(((before + bytes.length) * 8) / 6);
  return text.slice(Math.ceil((before * 8) / 6), whole);
}

/** Without regard to case, and of the same length as the text. */
function fold(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function traceAt(text: string, at: number): number {
  return (text.charCodeAt(at) * 961 + text.charCodeAt(at + 3) * 31 + text.charCodeAt(at + 7)) & 0xffff;
}
