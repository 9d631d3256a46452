import { afterEach, describe, expect, it } from "vitest";
import { createServiceHooks } from "../../../../scripts/cli/azure-devops/hooks.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { type FakeAnswer, type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

describe("service hooks", () => {
  let fake: HttpFake;
  afterEach(() => fake.close());

  async function removeWhere(answer: FakeAnswer) {
    fake = await startHttpFake(() => answer);
    const clock = createFakeClock();
    const deps = { clock, readToken: () => Promise.resolve("test-pat") };
    const hooks = createServiceHooks({ url: fake.url, auth: { type: "pat" } }, deps);
    const outcome = await hooks.remove("web", "https://hooks.example").catch((error: unknown) => error);
    return { outcome, sleeps: clock.sleeps };
  }

  it.each([203, 302])("take %i for a refusal of the token", async (status) => {
    expect((await removeWhere({ status })).outcome).toMatchObject({ kind: "unauthorized", status });
  });

  it("pause where a good answer asks for it", async () => {
    const json = { id: "one", value: [] };
    const { outcome, sleeps } = await removeWhere({ status: 200, json, headers: { "retry-after": "7" } });
    expect(outcome).toBe(0);
    expect(sleeps).toEqual([7_000]);
  });

  it("tell what Azure DevOps says is wrong", async () => {
    const { outcome } = await removeWhere({ status: 400, json: { message: "TF400813: no such right" } });
    expect(String(outcome)).toContain("TF400813: no such right");
  });
});
