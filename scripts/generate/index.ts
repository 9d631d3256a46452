/** `npm run schema`: writes the files that are generated from the config schema. */
import { writeFileSync } from "node:fs";
import { generateConfigDocs } from "./config-docs.ts";

for (const [path, content] of Object.entries(generateConfigDocs())) {
  writeFileSync(new URL(`../../${path}`, import.meta.url), content);
  process.stdout.write(`wrote ${path}\n`);
}
