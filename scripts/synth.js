// Runs main.ts, or the given program, as one bundle. Compiling file by file at load would take much longer.
import "./node-version.js";
import "./packages.js";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const { runBundled } = await import("./bundled.js");
await runBundled(resolve(process.argv[2] ?? fileURLToPath(new URL("../main.ts", import.meta.url))));
