/** One line of an ignore file. */
export interface IgnoreRule {
  /** Matches a path below the folder of the ignore file, with slashes. */
  readonly pattern: RegExp;
  /** `!pattern`: takes back what an earlier rule left out. */
  readonly keep: boolean;
  readonly foldersOnly: boolean;
}

/** The files that say what to leave out. In `.dockerignore`, every pattern starts at the folder of the file. */
export const ignoreFiles: ReadonlyMap<string, { readonly anchored: boolean }> = new Map([
  [".gitignore", { anchored: false }],
  [".terraformignore", { anchored: false }],
  [".dockerignore", { anchored: true }],
]);

/**
 * The rules of an ignore file, by the syntax of https://git-scm.com/docs/gitignore#_pattern_format. Terraform's and
 * Docker's files follow it too, but for the anchoring.
 */
export function parseIgnoreFile(text: string, { anchored }: { readonly anchored: boolean }): readonly IgnoreRule[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const trimmed = line.replace(/(?<!\\)\s+$/, "");
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    const keep = trimmed.startsWith("!");
    const glob = keep ? trimmed.slice(1) : trimmed;
    const foldersOnly = glob.endsWith("/");
    const plain = glob.replace(/\/+$/, "");
    const rooted = anchored || plain.includes("/");
    const pattern = new RegExp(`^${rooted ? "" : "(?:.*/)?"}${toPattern(plain.replace(/^\.?\/+/, ""))}$`, "s");
    return [{ pattern, keep, foldersOnly }];
  });
}

/** `**` as a whole step stands for any number of folders; other wildcards stay within one step. */
function toPattern(glob: string): string {
  const parts = glob.match(/\*\*\/|\/\*\*$|\*+|\?|\[[!^]?\]?[^\]]*\]|\\.|[^*?[\\/]+|[[\\/]/gs) ?? [];
  return parts
    .map((part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "/**") return "/.+";
      if (part.startsWith("*")) return "[^/]*";
      if (part === "?") return "[^/]";
      if (part.startsWith("[") && part.length > 1)
        return `[${part.slice(1, -1).replace(/^!/, "^").replaceAll("\\", "\\\\")}]`;
      return escaped(part.startsWith("\\") && part.length > 1 ? part.slice(1) : part);
    })
    .join("");
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}
