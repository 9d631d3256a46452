import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { MarkdownEnv, MarkdownOptions } from "vitepress";

type Markdown = Parameters<NonNullable<MarkdownOptions["config"]>>[0];

/** What the site does about links that leave its pages. */
interface Sources {
  /** Lets each relative link lead to a page of the site, or to a file of the repository. */
  readonly rewriteLinks: (markdown: Markdown) => void;
  /** Writes the files that links lead to, as text. Nothing if readers see them elsewhere. */
  readonly copyTo: (folder: string) => void;
}

/** @param sourceUrl the repository's files as readers see them; left out: the site brings those that pages link to */
export function createSources(root: string, base: string, sourceUrl: string | undefined): Sources {
  const linked = new Set<string>();

  /** The new `href` of a link. A dead one stays as it is, so that the build finds it. */
  function hrefOf(href: string, from: string): { readonly href: string; readonly isSource?: boolean } {
    const [target = "", anchor] = href.split("#");
    if (target === "" || /^(\w+:|\/)/.test(target)) return { href };
    const path = posix.join(posix.dirname(from), target);
    if (!existsSync(join(root, path))) return { href };
    const isFolder = statSync(join(root, path)).isDirectory();
    const file = isFolder ? posix.join(path, "README.md") : path;
    const hash = anchor === undefined ? "" : `#${anchor}`;
    if (file.endsWith(".md") && existsSync(join(root, file))) {
      return { href: `/${file.replace(/(^|\/)README\.md$/, "$1index.md")}${hash}` };
    }
    if (sourceUrl) return { href: `${sourceUrl.replace(/\/$/, "")}/${path}` };
    linked.add(path);
    return { href: `${base}${nameOf(path)}`, isSource: true };
  }

  return {
    rewriteLinks(markdown) {
      markdown.core.ruler.push("agent-fleets-links", ({ tokens, env }: { tokens: Token[]; env: MarkdownEnv }) => {
        const from = posix.relative(root.replace(/\/$/, ""), env.realPath ?? env.path);
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          if (token.type !== "link_open") continue;
          const { href, isSource } = hrefOf(String(token.attrGet("href")), from);
          token.attrSet("href", href);
          // The theme neither adds `.html` to such a link nor catches a click on it.
          if (isSource) token.attrSet("target", "_blank");
        }
      });
    },
    copyTo(folder) {
      for (const path of linked) {
        const to = join(folder, nameOf(path));
        const isFolder = statSync(join(root, path)).isDirectory();
        mkdirSync(dirname(to), { recursive: true });
        writeFileSync(to, isFolder ? `${readdirSync(join(root, path)).join("\n")}\n` : readFileSync(join(root, path)));
      }
    },
  };
}

type Token = Parameters<Markdown["renderer"]["renderToken"]>[0][number];

/** A file on the site. As text, which browsers show and do not run; without the dots that servers hide. */
const nameOf = (path: string) => `source/${path.replaceAll(/(^|\/)\./g, "$1").replace(/\/$/, "")}.txt`;
