/** One line of an ignore file. */
export interface IgnoreRule {
  /** Matches a path below the folder of the ignore file, with slashes. */
  readonly pattern: RegExp;
  /** `!pattern`: takes back what an earlier rule left out. */
  readonly keep: boolean;
  readonly foldersOnly: boolean;
}

/**
 * The files that say what to leave out, relative to a folder; where two differ, the later one counts. In `.dockerignore`,
 * every pattern starts at the folder of the file. A clone's own `exclude` is in no commit.
 */
export const ignoreFiles: ReadonlyMap<string, { readonly anchored: boolean }> = new Map([
  [".git/info/exclude", { anchored: false }],
  [".gitignore", { anchored: false }],
  [".terraformignore", { anchored: false }],
  [".dockerignore", { anchored: true }],
]);

/**
 * The rules of an ignore file, by the syntax of https://git-scm.com/docs/gitignore#_pattern_format. Terraform's and
 * Docker's files follow it too, but for the anchoring.
 */
export function parseIgnoreFile(text: string, { anchored }: { readonly anchored: boolean }): readonly IgnoreRule[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .flatMap((line) => {
      const trimmed = line.replace(/(?<!\\)\s+$/, "");
      if (trimmed === "" || trimmed.startsWith("#")) return [];
      const keep = trimmed.startsWith("!");
      const glob = keep ? trimmed.slice(1) : trimmed;
      const foldersOnly = glob.endsWith("/");
      const plain = glob.replace(/\/+$/, "");
      const rooted = anchored || plain.includes("/");
      const unclear = keep ? "(?!)" : "[^/]";
      const path = toPattern(plain.replace(/^\.?\/+/, ""), unclear);
      const pattern = new RegExp(`^${rooted ? "" : "(?:.*/)?"}${path}$`, "s");
      return [{ pattern, keep, foldersOnly }];
    });
}

/**
 * `**` (or more stars) as a whole step stands for any number of folders; other wildcards stay within one step.
 *
 * @param unclear stands for brackets that make no sense
 */
function toPattern(glob: string, unclear: string): string {
  const parts =
    glob.match(
      /(?<=^|\/)\*{2,}\/|\/\*{2,}$|\*+|\?|\[[!^]?\]?(?:\[:[a-z]+:\]|\\.|[^\]\\])*\]|\\.|[^*?[\\/]+|[[\\/]/gs,
    ) ?? [];
  return parts
    .map((part) => {
      if (part.endsWith("*/")) return "(?:.*/)?";
      if (part.startsWith("/*")) return "/.+";
      if (part.startsWith("*")) return "[^/]*";
      if (part === "?") return "[^/]";
      if (part.startsWith("[") && part.length > 1) return oneOf(part.slice(1, -1)) ?? unclear;
      return escaped(part.startsWith("\\") && part.length > 1 ? part.slice(1) : part);
    })
    .join("");
}

/** The classes of POSIX that git knows, for one character. */
const classes: Readonly<Record<string, string>> = {
  alnum: "A-Za-z0-9",
  alpha: "A-Za-z",
  blank: " \\t",
  digit: "0-9",
  lower: "a-z",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\s",
  upper: "A-Z",
  xdigit: "0-9A-Fa-f",
};

/**
 * The characters between brackets. `undefined` for a range that runs backwards or a class that nobody knows: in git they fit
 * nothing, and here as much as keeps files from the upload.
 */
function oneOf(inner: string): string | undefined {
  const negated = /^[!^]/.test(inner);
  const members = inner.slice(negated ? 1 : 0).replaceAll(/\[:([a-z]+):\]|\\(.)|[\]\\^[]/gs, (all, name, literal) => {
    if (name !== undefined) return classes[name] ?? "z-a";
    return `\\${String(literal ?? all).replace(/[a-z0-9]/i, (plain) => `x${plain.charCodeAt(0).toString(16)}`)}`;
  });
  try {
    return `(?!/)${new RegExp(`[${negated ? "^" : ""}${members}]`, "s").source}`;
  } catch {
    return undefined;
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}
