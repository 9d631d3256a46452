// Bundles main.ts, or the given program, and runs the bundle. Compiling file by file at load would take twice as long.
import "./node-version.js";
import "./packages.js";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const { build } = await import("esbuild");
const root = fileURLToPath(new URL("..", import.meta.url));
const program = resolve(process.argv[2] ?? join(root, "main.ts"));

// In the repository, so that Node finds the packages. Each process has its own folder, so that several can run at once.
const cache = join(root, "node_modules/.cache/agent-fleets");
mkdirSync(cache, { recursive: true });
const outdir = mkdtempSync(join(cache, "synth-"));
process.once("exit", () => rmSync(outdir, { recursive: true, force: true }));

/** Keeps `import.meta.url` of each source file, so that files find their neighbours. */
const ownUrls = {
  name: "own-urls",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: `const ownUrl=${JSON.stringify(pathToFileURL(path).href)};${readFileSync(path, "utf8")}`,
      loader: "ts",
    }));
  },
};

/**
 * Leaves packages out of the bundle and requires them: Node reads a CommonJS package twice if a module imports it. The
 * bundle lies in node_modules, where Node knows none of our names for packages (`imports` in package.json).
 */
const packages = {
  name: "packages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./, namespace: "package" }, ({ path }) => ({ path, external: true }));
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
      if (kind === "entry-point") return undefined;
      if (path.startsWith("node:")) return { path, external: true };
      return { path: path.startsWith("#") ? fileURLToPath(import.meta.resolve(path)) : path, namespace: "package" };
    });
    onLoad({ filter: /./, namespace: "package" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

await build({
  entryPoints: { program },
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  outExtension: { ".js": ".mjs" },
  outdir,
  banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  define: { "import.meta.url": "ownUrl" },
  plugins: [packages, ownUrls],
});
await import(pathToFileURL(join(outdir, "program.mjs")).href);
