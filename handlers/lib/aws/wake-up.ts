import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { WakeUp } from "../core/ports.ts";

/** Wakes the loop by invoking its function asynchronously: resolves once Lambda has queued the event. */
export function createWakeUp(functionName: string, lambda: LambdaClient): WakeUp {
  return {
    async wake() {
      await lambda.send(
        new InvokeCommand({
          FunctionName: functionName,
          InvocationType: "Event",
          Payload: JSON.stringify({ source: "wake-up" }),
        }),
      );
    },
  };
}
