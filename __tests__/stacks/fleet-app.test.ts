import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../stacks/config/errors.ts";
import { FleetApp } from "../../stacks/constructs/fleet-app.ts";
import { folderWith } from "./config/files.ts";
import { stubBundles } from "./synth.ts";

describe("a folder to upload", () => {
  it("holds no secret and nothing that is ignored, and a warning says what is left out", () => {
    const root = folderWith({
      ".gitignore": "scratch\n",
      "agents/one/Dockerfile": "FROM scratch\n",
      "agents/one/.dockerignore": "notes.txt\n",
      "agents/one/.env": "TOKEN=canary\n",
      "agents/one/notes.txt": "canary",
      "agents/one/scratch/x": "canary",
      "agents/one/lib/install.sh": "true\n",
    });
    const app = new FleetApp(stubBundles, folderWith({}));
    const folder = app.uploadFolder("agents/one", root);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual([
      ".dockerignore",
      "Dockerfile",
      "lib",
      "lib/install.sh",
    ]);
    expect(app.warnings).toEqual(["agents/one: not uploaded: .env, notes.txt, scratch/"]);
  });

  it("holds no links", () => {
    const root = folderWith({ "agents/one/Dockerfile": "FROM scratch\n" });
    symlinkSync("/etc/hostname", join(root, "agents/one/link"));
    const app = new FleetApp(stubBundles, folderWith({}));
    expect(() => app.uploadFolder("agents/one", root)).toThrow(ConfigError);
  });
});
