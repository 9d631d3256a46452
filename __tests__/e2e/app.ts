// The app of main.ts as the end-to-end suite deploys it: the same stacks from the same configs, written by the same
// code, whose Terraform is then fitted to an emulator of AWS.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import "../../main.ts";
import { type Archive, fitToEmulator } from "./fit-to-emulator.ts";

/** The date of every file in a zip, in the local time zone, so that the bytes are the same on every machine. */
const mtime = new Date(2000, 0, 1);

const stacks = join(process.env.CDKTF_OUTDIR ?? "cdktf.out", "stacks");
for (const stack of readdirSync(stacks)) {
  const folder = join(stacks, stack);
  const file = join(folder, "cdk.tf.json");
  const { text, leftOut } = fitToEmulator(readFileSync(file, "utf8"), {
    stack,
    providers: process.env.AGENT_FLEETS_TF_REGISTRY === "1" ? "all" : "aws alone",
    zip: (archive) => zipFolder(folder, archive),
  });
  writeFileSync(file, text);
  if (leftOut.length > 0) process.stderr.write(`e2e: ${leftOut.join(", ")} of ${stack}\n`);
}

function zipFolder(stackFolder: string, { sourceDir, outputPath }: Archive): string {
  const names = readdirSync(join(stackFolder, sourceDir)).sort();
  const files = names.map((name) => [name, readFileSync(join(stackFolder, sourceDir, name))] as const);
  const zip = zipSync(Object.fromEntries(files), { mtime });
  writeFileSync(join(stackFolder, outputPath), zip);
  return createHash("sha256").update(zip).digest("base64");
}
