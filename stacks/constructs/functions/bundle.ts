import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The Lambda runtime of all handlers: what esbuild targets and what the functions run on. */
export const lambdaRuntime = "nodejs22.x";

/** The handlers there are: folders of `handlers/` with an `index.ts` that exports `handler`. */
export const handlerNames = ["autoscale", "release", "retire", "webhook"] as const;

/** See {@link handlerNames}. */
export type HandlerName = (typeof handlerNames)[number];

/** The code of each handler: its `index.mjs`. */
export type Bundles = Readonly<Record<HandlerName, string>>;

/**
 * Schemas of the AWS SDK write keys as `[name]`, `name` being a text of the same file. For all that esbuild knows such a
 * key may do something, so it would keep every schema of a service for the few in use: half a megabyte of EC2's.
 */
const literalKeys: Plugin = {
  name: "literal-keys",
  setup({ onLoad }) {
    onLoad({ filter: /client-[\w-]+[\\/]dist-es[\\/]schemas[\\/][\w-]+\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const constants = new Map<string, string>();
      for (const [, name = "", value = ""] of text.matchAll(/^const (\w+) = ("[^"\n]*");$/gm))
        constants.set(name, value);
      const literal = (key: string, name: string) => (constants.has(name) ? `${constants.get(name)}:` : key);
      return { contents: text.replaceAll(/\[(\w+)\]:/g, literal) };
    });
  },
};

/**
 * Bundles every handler: minified ESM with the AWS SDK inside, the same bytes wherever it runs. esbuild works in its
 * own process, so this costs next to nothing while something else is going on. Throws esbuild's errors.
 */
export async function bundleHandlers(): Promise<Bundles> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: handlerNames.map((name) => ({ in: join("handlers", name, "index.ts"), out: name })),
    outdir: root,
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: lambdaRuntime.replace(/^nodejs(\d+)\.x$/, "node$1"),
    mainFields: ["module", "main"],
    legalComments: "none",
    // CommonJS packages inside an ESM bundle still call require for node's own modules.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
    plugins: [literalKeys],
    logLevel: "error",
  });
  return Object.fromEntries(handlerNames.map((name, index) => [name, outputFiles[index]?.text])) as Bundles;
}
