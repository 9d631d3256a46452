// Plays Lambda for one function: loads its code once, then passes it one event after another.
const [, , code, functionName, timeoutSeconds] = process.argv;
const { handler } = await import(code);

process.on("message", async ({ id, event }) => {
  const deadline = Date.now() + Number(timeoutSeconds) * 1000;
  const context = {
    functionName,
    awsRequestId: id,
    memoryLimitInMB: "256",
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    process.send({ id, result: await handler(event, context) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error), errorType: error?.name });
  }
});
process.send({ ready: true });
