import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Figure, median } from "./figure.ts";

/** Synthesis of one config: the whole process that `cdktf.json` runs. */
export function measureSynth(): Figure[] {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-bench-"));
  const env = {
    ...process.env,
    AGENT_FLEETS_LOCAL_STATE: "allow",
    AGENT_FLEETS_QUOTAS: "raised",
    AGENT_FLEETS_CONFIG: "config/hcp-minimal.yaml",
    CDKTF_OUTDIR: folder,
  };
  try {
    const times = Array.from({ length: 6 }, () => {
      const start = performance.now();
      execFileSync(process.execPath, ["scripts/synth.js"], { env, stdio: ["ignore", "ignore", "inherit"] });
      return performance.now() - start;
    });
    return [{ what: "synth of one config", value: median(times.slice(1)), unit: "ms", goal: { value: 900 } }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
