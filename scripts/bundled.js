import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Script } from "node:vm";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/** In `node_modules`, so that it is deleted together with the packages in the bundles. */
const cache = join(root, "node_modules/.cache/agent-fleets");

/** What a bundle depends on beside its sources. npm's list of installed packages stands for the packages. */
const alsoRead = ["scripts/bundled.js", "package.json", "tsconfig.json", "node_modules/.package-lock.json"];

/**
 * Runs a TypeScript program, and resolves when its module has run. esbuild bundles it with its packages into one
 * script. The script, and the code that V8 compiled of it, are kept for the next run. They are made again when a
 * source changes, when npm installs, and for another version of Node. Throws errors of esbuild and of the program.
 *
 * @param {string} program the absolute path of the file
 */
export async function runBundled(program) {
  const kept = join(cache, `program-${hash(program).slice(0, 16)}`);
  const bundle = readBundle(`${kept}.json`) ?? (await makeBundle(program, `${kept}.json`));
  const cachedData = readCompiled(`${kept}.v8`, bundle.id);
  const script = new Script(bundle.code, { filename: `${kept}.js`, ...(cachedData && { cachedData }) });
  await script.runInThisContext()(require);
  if (!bundle.inputs || (cachedData && !script.cachedDataRejected)) return;
  // After the run, because only now it holds the functions that ran.
  keep(`${kept}.v8`, Buffer.concat([Buffer.from(bundle.id), script.createCachedData()]));
}

/** The kept bundle, if all that it was made of is unchanged. */
function readBundle(file) {
  try {
    const bundle = JSON.parse(readFileSync(file, "utf8"));
    const same = Object.entries(bundle.inputs).every(([path, content]) => content === hash(readFileSync(path)));
    return same ? bundle : undefined;
  } catch {
    return undefined;
  }
}

async function makeBundle(program, file) {
  const { build } = await import("esbuild");
  const sources = new Map();
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [program],
    write: false,
    metafile: true,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    define: { "import.meta.url": "ownUrl" },
    plugins: [required, shortStacks, ownUrls(sources)],
  });
  const bundle = {
    // Compiled code is of exactly one bundle: V8 itself compares no more than the length of the source.
    id: randomUUID(),
    code: `(async (require) => { "use strict";\n${outputFiles[0].text}\n})`,
  };
  try {
    const others = Object.keys(metafile.inputs).filter((path) => !/^required:|(^|[\\/])node_modules[\\/]/.test(path));
    for (const path of [...others, ...alsoRead].map((path) => resolve(root, path)))
      if (!sources.has(path)) sources.set(path, hash(readFileSync(path)));
    const kept = { ...bundle, inputs: Object.fromEntries(sources) };
    keep(file, JSON.stringify(kept));
    return kept;
  } catch {
    // Another tool than npm installed the packages, so changes of them cannot be seen. Nothing is kept.
    return bundle;
  }
}

/** What V8 compiled of the bundle, if it was kept. V8 checks that it fits this version and these options of Node. */
function readCompiled(file, id) {
  try {
    const content = readFileSync(file);
    return content.toString("latin1", 0, id.length) === id ? content.subarray(id.length) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the file at once, so that nobody reads half of it. If it cannot be written, it is made again next time. */
function keep(file, content) {
  const draft = `${file}.${randomUUID()}`;
  try {
    mkdirSync(cache, { recursive: true });
    writeFileSync(draft, content);
    renameSync(draft, file);
  } catch {}
}

function hash(content) {
  return createHash("sha256").update(content).digest("hex");
}

/** Keeps `import.meta.url` of each source file, so that files find their neighbours. Notes the hash of each in `sources`. */
const ownUrls = (sources) => ({
  name: "own-urls",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!/[\\/]node_modules[\\/]/.test(relative(root, path))) sources.set(path, hash(text));
      return { contents: `const ownUrl=${JSON.stringify(pathToFileURL(path).href)};${text}`, loader: "ts" };
    });
  },
});

/**
 * CDKTF notes with each token all frames of its stack, for the errors that name a token. To write them takes a quarter
 * of a synth of many stacks. Ten frames, as errors of Node have, name the place as well.
 */
const shortStacks = {
  name: "short-stacks",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]tokens[\\/]private[\\/]stack-trace\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace("stackTraceLimit = Number.MAX_SAFE_INTEGER", "stackTraceLimit = 10"),
    }));
  },
};

/** Requires what stays outside: a script cannot import. esbuild is a program with files of its own. */
const required = {
  name: "required",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./, namespace: "required" }, ({ path }) => ({ path, external: true }));
    onResolve({ filter: /^[^./#]/ }, ({ path, kind }) => {
      if (kind === "entry-point" || !(isBuiltin(path) || path === "esbuild")) return undefined;
      return { path, namespace: "required" };
    });
    onLoad({ filter: /./, namespace: "required" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};
