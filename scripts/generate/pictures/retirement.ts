import { arrow, type Box, box, label, type Part, type Point, picture } from "./svg.ts";

const [width, height] = [166, 58];
const columns = { a: 30, b: 248, c: 466, d: 684 } as const;
const rows = [48, 140, 232, 324, 416, 508, 600] as const;

/** A column and a row, such as `a0`. */
type Cell = `${keyof typeof columns}${0 | 1 | 2 | 3 | 4 | 5 | 6}`;

function cornerOf(cell: Cell): Point {
  const [column, row] = cell;
  return [columns[column as keyof typeof columns], rows[Number(row)] ?? 0];
}

/** The middle of each edge. */
function edgesOf(cell: Cell): Readonly<Record<"left" | "right" | "top" | "bottom", Point>> {
  const [x, y] = cornerOf(cell);
  return {
    left: [x, y + height / 2],
    right: [x + width, y + height / 2],
    top: [x + width / 2, y],
    bottom: [x + width / 2, y + height],
  };
}

const step = (cell: Cell, kind: Box["kind"], ...lines: string[]): Part =>
  box({ at: cornerOf(cell), size: [width, height], kind, lines });

/** To the next box on the right, with the answer above the arrow. */
function across(from: Cell, to: Cell, answer: string): Part {
  const [[x, y], [toX]] = [edgesOf(from).right, edgesOf(to).left];
  return arrow([edgesOf(from).right, [toX - 2, y]], answer, [(x + toX) / 2, y - 6]);
}

/** To the next box below, with the answer beside the arrow. */
function down(from: Cell, to: Cell, answer: string): Part {
  const [[x, y], [, toY]] = [edgesOf(from).bottom, edgesOf(to).top];
  return arrow([edgesOf(from).bottom, [x, toY - 2]], answer, [x + 7, (y + toY) / 2 + 3], "start");
}

/** One retirement from its begin to each of its ends. */
export function retirement(): string {
  const middle = (cell: Cell) => edgesOf(cell).left[1];
  const [hookAround, containerDown, errorDown, undrainDown] = [14, 398, 500, 222];
  return picture(
    "How a retirement goes: it looks at the machine, drains the agent, deregisters it if it is idle, and then ends the machine. A busy agent stays.",
    880,
    680,
    [
      label("One retirement, step by step", [30, 30], "name", "start"),
      step("a0", "box", "On an instance?"),
      step("a1", "ours", "Heartbeat", "if a hook waits"),
      step("a2", "box", "Auto Scaling says:", "in service, or held?"),
      step("a3", "box", "EC2 says: dead?"),
      step("a4", "agent", "Complete the hook,", "or terminate;", "delete the record"),
      step("a5", "agent", "Undrain", "busy: the agent stays", "error: alert, and fail"),
      step("b0", "box", "Deregistered already", "by this retirement?"),
      box({
        at: cornerOf("b2"),
        size: [136, height],
        kind: "agent",
        lines: ["End", "delete the record", "of one that left"],
      }),
      step("b3", "ours", "Drain", "the agent takes no job"),
      step("b4", "box", "Is it a scale-in?"),
      step("b5", "box", "In time?"),
      step("b6", "agent", "Alert, and fail", "nothing is stopped"),
      step("c0", "box", "Is it a task that", "the loop has started?"),
      step("c3", "ours", "Drain again,", "then deregister"),
      step("c5", "ours", "Wait", "then begin again"),
      step("d0", "agent", "Stop the task", "or ECS has forgotten it"),
      step("d1", "agent", "Alert, and fail", "the task stays"),
      step("d3", "agent", "Complete the hook,", "or terminate"),
      across("a0", "b0", "no"),
      down("a0", "a1", "yes"),
      down("a1", "a2", "no hook, or refused"),
      arrow(
        [edgesOf("a1").left, [hookAround, middle("a1")], [hookAround, middle("a3")], [columns.a - 2, middle("a3")]],
        "taken",
        [hookAround + 6, rows[2] - 12],
        "start",
      ),
      across("a2", "b2", "no"),
      down("a2", "a3", "yes"),
      down("a3", "a4", "yes"),
      across("a3", "b3", "no"),
      across("b0", "c0", "yes"),
      arrow(
        [
          [containerDown, rows[0] + height],
          [containerDown, rows[3] - 2],
        ],
        "no",
        [containerDown + 7, 200],
        "start",
      ),
      across("c0", "d0", "yes"),
      arrow(
        [
          [columns.c + 140, rows[0] + height],
          [columns.c + 140, middle("d1")],
          [columns.d - 2, middle("d1")],
        ],
        "no",
        [columns.c + 147, middle("d1") - 8],
        "start",
      ),
      across("b3", "c3", "idle"),
      across("c3", "d3", "instance"),
      arrow([edgesOf("c3").top, [edgesOf("c3").top[0], rows[0] + height + 2]], "in a container", [556, 220], "start"),
      down("b3", "b4", "busy, or an error"),
      arrow(
        [
          [errorDown, rows[3] + height],
          [errorDown, middle("b4")],
          [columns.b + width + 2, middle("b4")],
        ],
        "works after all, or an error",
        [errorDown + 7, middle("b4") - 8],
        "start",
      ),
      arrow(
        [
          edgesOf("b4").left,
          [undrainDown, middle("b4")],
          [undrainDown, middle("a5")],
          [columns.a + width + 2, middle("a5")],
        ],
        "yes",
        [undrainDown + 7, rows[5] - 12],
        "start",
      ),
      down("b4", "b5", "no"),
      across("b5", "c5", "yes"),
      down("b5", "b6", "no"),
      ...(["box", "ours", "agent"] as const).map((kind, index) =>
        box({
          at: [columns.c + index * 130, 622],
          size: [120, 26],
          kind,
          lines: [["asks", "acts", "ends"][index] ?? ""],
        }),
      ),
    ],
  );
}
