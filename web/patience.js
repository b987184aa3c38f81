/**
 * How long the service may say nothing until it counts as away, and until it is asked again. Milliseconds.
 *
 * A network that goes silent breaks no connection: what is sent vanishes, and a browser waits a quarter of an hour for
 * the answer. So whatever is asked has a limit here, and is asked again on a new connection.
 */
export const PATIENCE = Object.freeze({
  /** Until a request without a body of its own is answered. */
  answer: 30_000,
  /** Until the network takes more of a piece of a file. */
  stall: 45_000,
  /** Until a piece is answered that the network took all of: some of it may still be on its way, and it is made durable. */
  durable: 120_000,
  /** Until the stream of events tells of something, while something is processed. */
  stream: 20_000,
  /** Until an upload that failed is tried again, for the first time; twice as long each time after that. */
  firstPause: 1_000,
  /** At most so long. */
  longestPause: 30_000,
});
