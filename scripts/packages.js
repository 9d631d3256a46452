// Imported before any package, so that a clone without its packages says what to do.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
if (!existsSync(`${root}/node_modules/esbuild`) || !existsSync(`${root}/node_modules/tsx`)) {
  process.stderr.write(`agent-fleets has no packages yet. Run "npm ci" in ${root}.\n`);
  process.exit(1);
}
