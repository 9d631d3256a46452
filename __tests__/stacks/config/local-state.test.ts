import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { keepStates, localStatePath, localStateWarnings } from "../../../stacks/config/local-state.ts";
import { configWith } from "./files.ts";

const deployed = JSON.stringify({ version: 4, resources: [{ mode: "managed", type: "aws_ecs_cluster" }] });
const nothing = JSON.stringify({ version: 4, resources: [] });

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "agent-fleets-"));
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

const outdir = () => join(project, "cdktf.out");
const at = (path: string) => join(project, path);
const read = (path: string) => readFileSync(at(path), "utf8");

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

/** What Terraform writes down of a local backend when it initializes a folder. */
function used(stack: string, path: string): void {
  const backend = { type: "local", config: { path, workspace_dir: null }, hash: 1 };
  write(`cdktf.out/stacks/${stack}/.terraform/terraform.tfstate`, JSON.stringify({ version: 3, backend }));
}

function stack(name: string, backend = "{ type: local }"): LoadedStack {
  return { name, file: `config/${name}.yaml`, config: configWith(`backend: ${backend}`) };
}

describe("the state of a stack with a local backend", () => {
  it("lies beside the output, or where the config says", () => {
    expect(localStatePath("ci")).toBe("../../../state/terraform.ci.tfstate");
    expect(localStatePath("ci", "states/ci.tfstate")).toBe("../../../states/ci.tfstate");
    expect(localStatePath("ci", "/mnt/ci.tfstate")).toBe("/mnt/ci.tfstate");
  });

  it("moves there from the output, with its backup, for stacks with a config and for those without", () => {
    for (const name of ["ci", "gone"]) {
      write(`cdktf.out/stacks/${name}/terraform.${name}.tfstate`, deployed);
      write(`cdktf.out/stacks/${name}/terraform.${name}.tfstate.backup`, nothing);
      used(name, `terraform.${name}.tfstate`);
    }
    const lines = keepStates(outdir(), [stack("ci")]);
    for (const name of ["ci", "gone"]) {
      expect(read(`state/terraform.${name}.tfstate`)).toBe(deployed);
      expect(read(`state/terraform.${name}.tfstate.backup`)).toBe(nothing);
      expect(existsSync(at(`cdktf.out/stacks/${name}/.terraform/terraform.tfstate`))).toBe(false);
    }
    expect(lines).toEqual([
      expect.stringMatching(/terraform\.ci\.tfstate is now in .*state\/terraform\.ci\.tfstate/),
      expect.stringMatching(/terraform\.gone\.tfstate is now in .*state\/terraform\.gone\.tfstate/),
      expect.stringMatching(/^the folder state\/ holds the state of gone, .*bring the config back/),
    ]);
    expect(keepStates(outdir(), [stack("ci"), stack("gone")])).toEqual([]);
  });

  it("moves from where Terraform last had it, when the config names another file", () => {
    write("cdktf.out/stacks/ci/own/ci.tfstate", deployed);
    used("ci", "own/ci.tfstate");
    keepStates(outdir(), [stack("ci", "{ type: local, path: own/ci.tfstate }")]);
    expect(read("own/ci.tfstate")).toBe(deployed);
  });

  it("stays where it is for Terraform to move, when the stack has another kind of backend now", () => {
    write("cdktf.out/stacks/ci/terraform.ci.tfstate", deployed);
    used("ci", "terraform.ci.tfstate");
    expect(keepStates(outdir(), [stack("ci", "{ type: s3, bucket: acme-state }")])).toEqual([]);
    expect(read("cdktf.out/stacks/ci/terraform.ci.tfstate")).toBe(deployed);
  });

  it("is overwritten by no other, nor moved while Terraform uses it", () => {
    write("cdktf.out/stacks/ci/terraform.ci.tfstate", deployed);
    write("state/terraform.ci.tfstate", nothing);
    expect(() => keepStates(outdir(), [stack("ci")])).toThrow(
      /^there are two states of ci: .* and .*\. Keep the right/,
    );
    rmSync(at("state/terraform.ci.tfstate"));
    write("cdktf.out/stacks/ci/.terraform.ci.tfstate.lock.info", "{}");
    expect(() => keepStates(outdir(), [stack("ci")])).toThrow(/^Terraform is using .*: wait until it has ended$/);
    expect(read("cdktf.out/stacks/ci/terraform.ci.tfstate")).toBe(deployed);
  });

  it("is no news without a config when nothing is deployed any more, or the file is no state", () => {
    write("state/terraform.old.tfstate", nothing);
    write("state/terraform.odd.tfstate", "no JSON");
    expect(keepStates(outdir(), [])).toEqual([]);
  });
});

describe("a file of this machine as state", () => {
  it("is warned of, once for all stacks", () => {
    expect(localStateWarnings([stack("a"), stack("b"), stack("c", "{ type: s3, bucket: acme-state }")], {})).toEqual([
      expect.stringMatching(/the state of a, b is a file of this machine\. That is for trials/),
    ]);
    expect(localStateWarnings([stack("c", "{ type: s3, bucket: acme-state }")], {})).toEqual([]);
  });

  it("is an error, or no news, where the environment says so", () => {
    const refuse = { AGENT_FLEETS_LOCAL_STATE: "refuse" };
    expect(() => localStateWarnings([stack("a")], refuse)).toThrow(
      /state of a is .* forbids: set backend to s3 or cloud/,
    );
    expect(localStateWarnings([stack("c", "{ type: s3, bucket: acme-state }")], refuse)).toEqual([]);
    expect(localStateWarnings([stack("a")], { AGENT_FLEETS_LOCAL_STATE: "allow" })).toEqual([]);
    expect(() => localStateWarnings([], { AGENT_FLEETS_LOCAL_STATE: "no" })).toThrow(
      'AGENT_FLEETS_LOCAL_STATE: must be allow, warn or refuse, found "no"',
    );
  });
});
