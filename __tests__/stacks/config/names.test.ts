import { expect, it } from "vitest";
import { secretName } from "../../../stacks/config/names.ts";
import { vendors } from "../../../stacks/config/vendors/index.ts";

it("names secrets by stack and kebab-case key", () => {
  expect(secretName("ci", "agent-token")).toBe("agent-fleets/ci/agent-token");
});

it.each(Object.values(vendors))("gives each secret of $id its key in kebab case as its name", ({ secrets }) => {
  for (const [key, { name }] of Object.entries(secrets)) {
    expect(name).toBe(key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  }
});
