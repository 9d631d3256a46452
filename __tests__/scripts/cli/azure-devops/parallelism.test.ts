import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretUnavailableError } from "../../../../handlers/lib/core/errors.ts";
import type { VendorDeps } from "../../../../handlers/lib/vendors/deps.ts";
import { readParallelJobs } from "../../../../scripts/cli/azure-devops/parallelism.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../../../fakes/azure-devops.ts";
import { createFakeClock } from "../../../fakes/clock.ts";

describe("parallel jobs of an organization", () => {
  let fake: AzureDevOpsFake;
  let deps: VendorDeps;

  beforeEach(async () => {
    fake = await startAzureDevOpsFake();
    deps = { clock: createFakeClock(), readToken: () => Promise.resolve("test-pat") };
  });
  afterEach(() => fake.close());

  const read = () => readParallelJobs(fake.runtime({ name: "aws" }), deps);

  it("are those for self-hosted agents of private projects", async () => {
    expect(await read()).toBe(25);
  });

  it.each([
    ["no number", { resourceLimit: { totalCount: null } }],
    ["no limit", {}],
    ["a number that is not all", { resourceLimit: { totalCount: 1, failedToReachAllProviders: true } }],
  ])("are unknown where Azure DevOps tells %s", async (_, json) => {
    fake.fail({ answer: { status: 200, json } });
    expect(await read()).toBeUndefined();
  });

  it.each([400, 403, 404, 429, 500])("are unknown where it answers %i, which is no error", async (status) => {
    fake.fail({ answer: { status } });
    expect(await read()).toBeUndefined();
  });

  it.each([203, 302, 401])("are an error where it refuses the credential by %i", async (status) => {
    fake.fail({ answer: { status } });
    await expect(read()).rejects.toMatchObject({ name: "VendorApiError", kind: "unauthorized" });
  });

  it("are not guessed where the credential cannot be read", async () => {
    deps = { ...deps, readToken: () => Promise.reject(new SecretUnavailableError("empty")) };
    await expect(read()).rejects.toThrow("empty");
  });
});
