import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  visit,
  type YAMLError,
  type YAMLMap,
} from "yaml";

/** Keys and indexes that lead from the root of a file to a value. */
export type Path = readonly PropertyKey[];

/** An error with its path and place in the text. */
export interface Finding {
  readonly path: Path;
  /** A sentence that continues the path: "must be …", "is set twice". */
  readonly message: string;
  /** Offset into the text. */
  readonly offset: number;
}

const limits = { depth: 32, aliases: 100 };

/** One parsed YAML file: the value, and the place of each part of it in the text. */
export interface YamlTree {
  /** Errors in the YAML itself. */
  readonly findings: readonly Finding[];
  /** Whether {@link value} is usable: the file is YAML, a mapping, and small enough when expanded. */
  readonly usable: boolean;
  readonly value: unknown;
  /** Line and column of an offset, from 1. */
  position(offset: number): { readonly line: number; readonly col: number };
  /** Offset of the value at a path or, if nothing is there, of the nearest mapping around it. */
  offsetOf(path: Path): number;
  /** Offset of the key that a path ends with. */
  keyOffsetOf(path: Path): number;
  /** The source text of the value at a path; for a list, its length. `undefined`: nothing is there. */
  sourceOf(
    path: Path,
  ): { readonly kind: "text" | "value" | "mapping" | "list" | "nothing"; readonly source: string } | undefined;
}

/** Parses one YAML file. Never throws: the findings list the errors. They never repeat the file's text. */
export function parseYaml(text: string): YamlTree {
  const lines = new LineCounter();
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const position = (offset: number) => lines.linePos(offset);
  const unusable = (message: string, offset = 0): YamlTree => ({
    ...nowhere,
    findings: [{ path: [], message, offset }],
    position,
  });
  if (isDeeperThan(limits.depth, tokens)) return unusable(`is nested deeper than ${limits.depth} levels`);

  const composer = new Composer({
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
    logLevel: "error",
    lineCounter: lines,
  });
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  if (second) return unusable("holds several documents, but one file is one stack", startOf(second.contents));
  if (!document) return unusable(empty);

  const aliases = aliasesOf(document);
  const unsound = [...[...document.errors, ...document.warnings].map(syntaxFinding), ...aliasFindings(aliases)];
  const findings = [...unsound, ...contentFindings(document)];
  if (unsound.length > 0) return { ...nowhere, findings, position };
  const { contents } = document;
  if (!isMap(contents)) {
    if (describeNode(contents).kind === "nothing") return unusable(empty);
    return unusable("must be a mapping of keys to values", startOf(contents));
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: limits.aliases });
    return { ...lookups(document, aliases), findings, usable: true, value, position };
  } catch {
    return unusable(`has aliases that expand to more than ${limits.aliases} times the file`);
  }
}

const empty = "is empty; start with `kind:`, see the examples in config/";

const nowhere = {
  usable: false,
  value: undefined,
  offsetOf: () => 0,
  keyOffsetOf: () => 0,
  sourceOf: () => undefined,
} satisfies Partial<YamlTree>;

/** Checked first, before recursive code reads the file. */
function isDeeperThan(depth: number, tokens: readonly unknown[]): boolean {
  let level = tokens;
  for (let i = 0; i <= depth * 2 && level.length > 0; i++) level = level.flatMap(childrenOf);
  return level.length > 0;
}

function childrenOf(token: unknown): unknown[] {
  if (typeof token !== "object" || token === null) return [];
  const { items, key, value } = token as { items?: unknown[]; key?: unknown; value?: unknown };
  return [...(items ?? []), key, value].filter((child) => typeof child === "object" && child !== null);
}

const syntax: Readonly<Record<YAMLError["code"], string>> = {
  ALIAS_PROPS: "an alias takes neither anchor nor tag",
  BAD_ALIAS: "an alias must name an anchor, without a colon at its end",
  BAD_COLLECTION_TYPE: "the tag does not fit what follows",
  BAD_DIRECTIVE: "this is no YAML directive",
  BAD_DQ_ESCAPE: "unknown escape in double quotes: double the backslash or use single quotes",
  BAD_INDENT: "wrong indentation, or a bracket that is not closed",
  BAD_PROP_ORDER: "an anchor or tag must stand before its value",
  BAD_SCALAR_START: "text that starts with this character needs quotes",
  BLOCK_AS_IMPLICIT_KEY: "a second mapping on one line: put text with a colon in quotes, and check the indentation",
  BLOCK_IN_FLOW: "inside { } and [ ] everything is written with { } and [ ]",
  DUPLICATE_KEY: "is set twice; keep one",
  IMPOSSIBLE: "this is not YAML",
  KEY_OVER_1024_CHARS: "a key must be shorter than 1024 characters",
  MISSING_CHAR: "a quote, a bracket, a comma or the colon after a key is missing",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line; is a colon missing?",
  MULTIPLE_ANCHORS: "a value has one anchor at most",
  MULTIPLE_DOCS: "one file is one document",
  MULTIPLE_TAGS: "a value has one tag at most",
  NON_STRING_KEY: "a key must be plain text",
  RESOURCE_EXHAUSTION: "this is nested too deeply",
  TAB_AS_INDENT: "YAML is indented with spaces, not with tabs",
  TAG_RESOLVE_FAILED: "tags such as !name are not known here",
  UNEXPECTED_TOKEN: "this is not expected here; is a quote, a comma or a line break missing?",
};

function syntaxFinding({ code, pos: [offset] }: YAMLError): Finding {
  return { path: [], message: syntax[code], offset };
}

interface FoundAlias {
  readonly alias: Alias;
  /** The node that it stands for. */
  readonly target: Node | undefined;
  readonly around: readonly unknown[];
}

/** All aliases, in one walk: yaml's own `Alias.resolve` walks through the whole document for each of them. */
function aliasesOf(document: Document.Parsed): readonly FoundAlias[] {
  const anchors = new Map<string, Node>();
  const aliases: FoundAlias[] = [];
  visit(document, {
    Node(_, node, around) {
      if (isAlias(node)) aliases.push({ alias: node, target: anchors.get(node.source), around });
      else if (node.anchor) anchors.set(node.anchor, node);
    },
  });
  return aliases;
}

function aliasFindings(aliases: readonly FoundAlias[]): Finding[] {
  if (aliases.length > limits.aliases) {
    return [{ path: [], message: `has more than ${limits.aliases} aliases`, offset: 0 }];
  }
  return aliases.flatMap(({ alias, target, around }) => {
    const message = target === undefined ? "no such anchor above" : "an alias must not stand inside its own anchor";
    return target === undefined || around.includes(target) ? [{ path: [], message, offset: startOf(alias) }] : [];
  });
}

/** Errors in keys and texts that are good YAML. Found in one walk, because a file may have tens of thousands of keys. */
function contentFindings(document: Document.Parsed): Finding[] {
  const findings: Finding[] = [];
  const seen = new WeakMap<object, Set<unknown>>();
  visit(document, {
    Pair(_, { key }, around) {
      if (!isScalar(key)) return;
      const parent = around.at(-1) ?? document;
      const keys = seen.get(parent) ?? new Set();
      seen.set(parent, keys);
      const message = keys.has(key.value) ? "is set twice; keep one" : forbidden(key.value);
      keys.add(key.value);
      if (message) findings.push({ path: pathTo([...around, { key }]), message, offset: startOf(key) });
    },
    Scalar(place, scalar, around) {
      const message = place !== "key" && holdsToken(scalar.value) && noTokens;
      if (message) findings.push({ path: pathTo([...around, scalar]), message, offset: startOf(scalar) });
    },
  });
  return findings;
}

const noTokens = "must not contain TfToken[, which cdktf would resolve";

function forbidden(key: unknown): string | undefined {
  // JavaScript has another use for it, so the key would vanish.
  if (key === "__proto__") return "is not allowed as a key";
  return holdsToken(key) ? noTokens : undefined;
}

/** cdktf's placeholders, in texts and in lists: cdktf/lib/tokens/private/encoding.ts. */
function holdsToken(value: unknown): boolean {
  return typeof value === "string" && value.includes("TfToken[");
}

/** The path that a visit took. @param nodes from the root to the place */
function pathTo(nodes: readonly unknown[]): Path {
  return nodes.flatMap((node, depth): PropertyKey[] => {
    if (isSeq(node)) return [node.items.indexOf(nodes[depth + 1])];
    const { key } = (node ?? {}) as { key?: unknown };
    return isScalar(key) ? [String(key.value)] : [];
  });
}

function lookups(
  document: Document.Parsed,
  aliases: readonly FoundAlias[],
): Pick<YamlTree, "offsetOf" | "keyOffsetOf" | "sourceOf"> {
  const targets = new Map<unknown, unknown>(aliases.map(({ alias, target }) => [alias, target]));
  const follow = (node: unknown): unknown => (isAlias(node) ? targets.get(node) : node);
  const indexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  const indexOf = (node: YAMLMap) => {
    const known = indexes.get(node);
    if (known) return known;
    const pairs = node.items.flatMap((pair) =>
      isScalar(pair.key) ? [[String(pair.key.value ?? ""), pair] as const] : [],
    );
    const index = new Map(pairs);
    indexes.set(node, index);
    return index;
  };
  const step = (parent: unknown, name: PropertyKey): { key?: unknown; value: unknown } | undefined => {
    const node = follow(parent);
    if (isSeq(node)) return typeof name === "number" && name in node.items ? { value: node.items[name] } : undefined;
    if (!isMap(node)) return undefined;
    return indexOf(node).get(String(name));
  };
  const walk = (path: Path) => {
    let found: { key?: unknown; value: unknown } | undefined = { value: document.contents };
    let last = found;
    for (const name of path) {
      found = step(found.value, name);
      if (!found) return { last };
      last = found;
    }
    return { found, last };
  };
  return {
    offsetOf: (path) => startOf(walk(path).last.value),
    keyOffsetOf: (path) => {
      const { last } = walk(path);
      return startOf(last.key ?? last.value);
    },
    sourceOf: (path) => {
      const { found } = walk(path);
      return found && describeNode(follow(found.value));
    },
  };
}

function describeNode(node: unknown): NonNullable<ReturnType<YamlTree["sourceOf"]>> {
  if (isMap(node)) return { kind: "mapping", source: "" };
  if (isSeq(node)) return { kind: "list", source: String(node.items.length) };
  if (!isScalar(node) || node.value === null) return { kind: "nothing", source: "" };
  if (typeof node.value === "string") return { kind: "text", source: node.value };
  return { kind: "value", source: node.source ?? String(node.value) };
}

function startOf(node: unknown): number {
  return (node as Partial<Node> | null | undefined)?.range?.[0] ?? 0;
}
