import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { fleetName } from "../../../fakes/desk-fleets.ts";
import { type DeskWorld, startDeskWorld } from "../../../fakes/desk-world.ts";
import { folderWith } from "../../../stacks/config/files.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) process.stderr.write("SKIPPED: python3 is not on PATH, so the live view is tried in no terminal\n");

/** Runs a program in a terminal of so many columns and rows, presses a key once the screen says `q ends`, and exits as it. */
const inTerminal = `
import fcntl, os, pty, struct, sys, termios
columns, rows, key = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[4], sys.argv[4:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
seen, pressed = b"", False
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:
        break
    if not part:
        break
    os.write(1, part)
    seen += part
    if not pressed and (b"q ends" in seen or b"make the window higher" in seen):
        os.write(terminal, key)
        pressed = True
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`;

let world: DeskWorld | undefined;
afterEach(() => world?.close());

async function watch(columns: number, rows: number, key: string) {
  world = await startDeskWorld();
  // The command has the real time.
  world.clock.advance(Date.now() - world.clock.now().getTime());
  world.decide({ secondsAgo: 5, queued: 3, running: 1, waitedSeconds: 90, states: { busy: [`${fleetName}_a`] } });
  const cwd = folderWith({ [`config/${fleetName}.yaml`]: world.config });
  const script = fileURLToPath(new URL("../../../../scripts/cli/fleet.js", import.meta.url));
  const command = [process.execPath, script, "status", fleetName, "--watch"];
  const child = spawn("python3", ["-c", inTerminal, String(columns), String(rows), key, ...command], {
    cwd,
    env: { PATH: process.env.PATH, TERM: "xterm-256color", ...world.env },
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
  });
  const [code] = await once(child, "close");
  return { code, screen };
}

/** What the terminal shows of it: without what moves the cursor. */
function linesOf(screen: string): string[] {
  const escapeCharacter = String.fromCharCode(27);
  const moves = new RegExp(`${escapeCharacter}\\[[?0-9;]*[A-Za-z]`, "g");
  return screen.replaceAll(moves, "").split(/\r?\n/);
}

describe.skipIf(!hasPython)("fleet status --watch in a terminal", () => {
  it.each([
    [80, "q"],
    [120, "\u0003"],
  ])("fits into %i columns, ends at %j, and gives the terminal back", async (columns, key) => {
    const { code, screen } = await watch(columns, 60, key);
    const lines = linesOf(screen);
    expect(code, screen).toBe(0);
    expect(lines.join("\n")).toMatch(/Queue +3 jobs wait, the longest for 90 s; 1 run/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(screen).toContain("\u001b[?25h");
  });

  it("shows what fits into a low window, and says that there is more", async () => {
    const { code, screen } = await watch(80, 10, "q");
    expect(code, screen).toBe(0);
    expect(screen).toMatch(/… \d+ more lines: make the window higher/);
  });
});
