import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The Lambda runtime of all handlers: what esbuild targets and what the functions run on. */
export const lambdaRuntime = "nodejs22.x";

/** The handlers there are: folders of `handlers/` with an `index.ts` that exports `handler`. */
export const handlerNames = ["autoscale", "release", "retire", "webhook"] as const;

/** See {@link handlerNames}. */
export type HandlerName = (typeof handlerNames)[number];

/** The code of each handler: the text of its `index.mjs`. */
export type Bundles = Readonly<Record<HandlerName, Uint8Array>>;

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
    logLevel: "error",
  });
  return Object.fromEntries(handlerNames.map((name, index) => [name, outputFiles[index]?.contents])) as Bundles;
}
