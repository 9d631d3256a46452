import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const folder = ".github/workflows";

describe.each(readdirSync(folder))("the workflow %s", (file) => {
  const text = readFileSync(`${folder}/${file}`, "utf8");

  it("pins every action by commit, with its version as a comment", () => {
    const used = text.match(/uses: .*/g) ?? [];
    expect(used.length).toBeGreaterThan(0);
    const loose = used.filter((line) => !/^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line));
    expect(loose, "write these as owner/name@<commit> # v1.2.3").toEqual([]);
  });

  it("gives each job its own rights, and none to all", () => {
    const { permissions, jobs }: { permissions?: object; jobs: Record<string, { permissions?: object }> } = parse(text);
    expect(permissions, "write `permissions: {}` at the top").toEqual({});
    const without = Object.keys(jobs).filter((name) => jobs[name]?.permissions === undefined);
    expect(without, "give these jobs `permissions` of their own").toEqual([]);
  });
});

it("the deployment takes the folder of a user's own configs, and never the examples", () => {
  const { env, jobs } = parse(readFileSync(`${folder}/deploy.yml`, "utf8"));
  expect(env.AGENT_FLEETS_CONFIG).toBe("${{ vars.AGENT_FLEETS_CONFIG }}");
  expect(jobs.synth.if).toBe("vars.AGENT_FLEETS_CONFIG != ''");
  for (const name of ["diff", "deploy"]) expect(jobs[name].needs).toBe("synth");
  const { run } = jobs.diff.steps.at(-1);
  expect(run, "cdktf hides why a plan failed where its output is no terminal").not.toContain("cdktf");
  expect(run).toMatch(/npm run fleet -- diff .*\n.*npm run fleet -- deploy '\*' --auto-approve/);
  expect(env.AGENT_FLEETS_LOCAL_STATE, "a runner keeps no file").toBe("refuse");
});
