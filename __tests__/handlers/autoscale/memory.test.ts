import { describe, expect, it } from "vitest";
import { createMemory, keep, recall } from "../../../handlers/autoscale/memory.ts";
import { createNotebookFake } from "../../fakes/fleet-state.ts";

const at = new Date("2026-01-01T12:00:00.000Z");

describe("the memory of a pass", () => {
  it("knows in the next container how fast jobs come and agents boot", async () => {
    const notebook = createNotebookFake();
    const traffic = { perSecond: 0.05, bootSeconds: 47.5, jobs: 3, at };
    await keep({ ...createMemory(), traffic, load: { jobs: 2, at } }, notebook);
    const next = createMemory();
    await recall(next, notebook);
    expect(next).toMatchObject({ traffic, load: { jobs: 2, at } });
  });

  it("begins its averages anew where the document is lost, invalid, or of a release that had none", async () => {
    for (const document of [undefined, { traffic: "fast" }, { recentlyWanted: [1], missingSince: {} }]) {
      const notebook = createNotebookFake();
      if (document) await notebook.write(document);
      const memory = { ...createMemory(), traffic: { perSecond: 1, bootSeconds: 1, jobs: 1, at } };
      await recall(memory, notebook);
      expect(memory.traffic).toBeUndefined();
    }
  });
});
