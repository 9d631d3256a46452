import { expect, it } from "vitest";
import { checkFork } from "../../../scripts/fork/check.ts";
import { isForkInstalled } from "../../../scripts/fork/project.ts";

// Tests ask no registry: `npm run check:fork` installs the fork.
const missing = !isForkInstalled();
if (missing) {
  process.stderr.write(
    "SKIPPED: the same Terraform by cdktf's fork. Missing here: cdktn (npm run check:fork -- install)\n",
  );
}

it.skipIf(missing)("cdktf's fork makes the same Terraform of all shipped configs", () => {
  const { stacks, addresses, differences } = checkFork();
  expect(differences).toEqual([]);
  expect(stacks).toBeGreaterThan(20);
  expect(addresses).toBeGreaterThan(1000);
});
