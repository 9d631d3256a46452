import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../fakes/hcp-terraform.ts";

/**
 * Starts a command in a pseudo-terminal of its own. Writes the keys of each step as soon as the terminal shows its text,
 * prints all that it shows, and ends with the command's status.
 */
const typist = `
import fcntl, json, os, pty, struct, sys, termios
steps, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    os.execv(command[0], command)
fresh = b""
while True:
    try:
        seen = os.read(terminal, 4096)
    except OSError:
        break
    if not seen:
        break
    sys.stdout.buffer.write(seen)
    fresh += seen
    if steps and steps[0][0].encode() in fresh:
        os.write(terminal, steps.pop(0)[1].encode())
        fresh = b""
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

const hasPseudoTerminals =
  spawnSync("python3", ["-c", "import fcntl, os, pty, termios; os.waitstatus_to_exitcode"]).status === 0;
if (!hasPseudoTerminals) process.stderr.write("SKIPPED: tests at a real terminal need python3 with pty\n");

const script = fileURLToPath(new URL("../../../scripts/cli/fleet.js", import.meta.url));

describe.skipIf(!hasPseudoTerminals)("a person at a real terminal", () => {
  let hcp: HcpTerraformFake;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    hcp = await startHcpTerraformFake();
    hcp.state.addPool("aws");
  });
  afterEach(async () => {
    child?.kill();
    await hcp.close();
  });

  async function createToken(...steps: readonly (readonly [shown: string, keys: string])[]) {
    const command = ["hcp", "token", "create", "acme", "--pool", "aws", "--host", hcp.url];
    child = spawn("python3", ["-c", typist, JSON.stringify(steps), process.execPath, script, ...command], {
      env: { PATH: process.env.PATH, TERM: "xterm" },
    });
    let shown = "";
    child.stdout?.on("data", (chunk) => (shown += chunk));
    const [code] = await once(child, "close");
    return { code, shown: stripVTControlCharacters(shown) };
  }

  it("types a secret that the terminal does not show", async () => {
    const { code, shown } = await createToken(["TOKEN", `${hcp.token}\r`]);
    expect(shown).toContain("TOKEN");
    expect({ code, shown }).toMatchObject({ code: 0 });
    expect(shown).not.toContain(hcp.token);
    expect(hcp.requests.every(({ headers }) => headers.authorization === `Bearer ${hcp.token}`)).toBe(true);
    expect(hcp.requests.some(({ method }) => method === "POST")).toBe(true);
  });

  it("cancels with Ctrl-C, and nobody is asked anything", async () => {
    const { code, shown } = await createToken(["TOKEN", "canary\u0003"]);
    expect(shown).toContain("Cancelled.");
    expect(shown).not.toContain("canary");
    expect(code).toBe(1);
    expect(hcp.requests).toEqual([]);
  });

  it("who types nothing is told so", async () => {
    const { code, shown } = await createToken(["TOKEN", "\r"]);
    expect(shown).toContain("TOKEN is empty.");
    expect(code).toBe(1);
    expect(hcp.requests).toEqual([]);
  });
});
