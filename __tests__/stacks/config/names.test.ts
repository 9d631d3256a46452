import { expect, it } from "vitest";
import { secretKeys, secretName } from "../../../stacks/config/names.ts";

it("names secrets by stack and kebab-case key", () => {
  expect(secretName("ci", "agentToken")).toBe("agent-fleets/ci/agent-token");
  expect(secretName("ci", "apiToken")).toBe("agent-fleets/ci/api-token");
  expect(secretName("ci", "notificationToken")).toBe("agent-fleets/ci/notification-token");
  for (const name of Object.values(secretKeys)) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
});
