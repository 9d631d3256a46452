import type { Task } from "@aws-sdk/client-ecs";
import type { EcsCall, EcsFake } from "./ecs.ts";
import type { EventClock } from "./event-clock.ts";
import type { WorldAgent } from "./model.ts";

type StopCode = NonNullable<Task["stopCode"]>;

/** What the world does to its agents. */
interface HandsOptions {
  readonly clock: EventClock;
  readonly ecs: Pick<EcsFake, "tasks">;
  readonly perform: (call: EcsCall) => object;
  readonly tellToLeave: (agent: WorldAgent) => void;
  readonly forget: (agent: WorldAgent) => void;
  readonly dropJob: (agent: WorldAgent, how: "ended" | "lost") => void;
  readonly endTask: (task: Task, stopCode: StopCode, exitCode: number) => void;
}

/** What others than our loop do to a world. */
export interface Hands {
  /** Starts an agent at once. @returns whether ECS took the order */
  launch(name: string): boolean;
  /** Ends an agent: SIGTERM, by which it leaves after its job, and after this time SIGKILL. A job begins anew. */
  end(agent: WorldAgent, graceSeconds: number): void;
  /**
   * AWS takes a Spot task back: SIGTERM, and two minutes later SIGKILL.
   *
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
   */
  reclaim(agent: WorldAgent): void;
}

/** See {@link Hands}. */
export function createHands({ clock, ecs, perform, ...world }: HandsOptions): Hands {
  return {
    launch(name) {
      const environment = [
        { name: "TFC_AGENT_NAME", value: name },
        { name: "AGENT_FLEETS_ROLE", value: "burst" },
      ];
      const before = ecs.tasks.size;
      perform({
        operation: "RunTask",
        input: { taskDefinition: "ci:1", clientToken: name, overrides: { containerOverrides: [{ environment }] } },
      });
      return ecs.tasks.size > before;
    },
    end: (agent, graceSeconds) => kill(agent, graceSeconds, "ended", "UserInitiated"),
    reclaim: (agent) => kill(agent, 120, "lost", "SpotInterruption"),
  };

  function kill(agent: WorldAgent, graceSeconds: number, how: "ended" | "lost", code: StopCode): void {
    world.tellToLeave(agent);
    clock.after(graceSeconds, () => {
      if (agent.state === "gone") return;
      world.forget(agent);
      world.dropJob(agent, how);
      world.endTask(agent.task, code, 137);
    });
  }
}
