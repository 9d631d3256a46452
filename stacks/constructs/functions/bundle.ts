import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { lambdaTarget } from "../../config/lambda-runtime.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** All handlers: folders of `handlers/` with an `index.ts` that exports `handler`. */
export const handlerNames = ["autoscale", "release", "retire", "webhook"] as const;

/** See {@link handlerNames}. */
export type HandlerName = (typeof handlerNames)[number];

/** The code of each handler: its `index.mjs`. */
export type Bundles = Readonly<Record<HandlerName, string>>;

/**
 * Schemas of the AWS SDK write keys as `[name]`, where `name` is a text constant of the same file. esbuild must assume
 * that such a key has an effect, and would keep every schema of a service: half a megabyte for EC2. So this plugin
 * writes the constants as literals.
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

/** The options of every bundle: minified ESM with the AWS SDK inside, the same bytes on every machine. */
const options = {
  absWorkingDir: root,
  outdir: root,
  write: false,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "node",
  target: lambdaTarget,
  mainFields: ["module", "main"],
  legalComments: "none",
  // CommonJS packages inside an ESM bundle still call require for node's own modules.
  banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  plugins: [literalKeys],
  logLevel: "silent",
} as const satisfies BuildOptions;

/** Bundles every handler. esbuild works in its own process, so other work can go on meanwhile. Throws esbuild's errors. */
export async function bundleHandlers(): Promise<Bundles> {
  const entryPoints = handlerNames.map((name) => ({ in: join("handlers", name, "index.ts"), out: name }));
  const { outputFiles } = await build({ ...options, entryPoints });
  return Object.fromEntries(handlerNames.map((name, index) => [name, outputFiles[index]?.text])) as Bundles;
}

/** Bundles a source text as handlers are bundled. Throws esbuild's errors. */
export async function bundleOf(contents: string): Promise<string> {
  const { outputFiles } = await build({ ...options, stdin: { contents, resolveDir: root } });
  return outputFiles[0]?.text ?? "";
}
