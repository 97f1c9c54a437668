internal import Dispatch
internal import GRPC
internal import Orchestrator
internal import Plan
internal import Store

/// Reads committed rows beside the shard, on a thread of its own, so that no event loop waits for a
/// disk.
struct StoreReader: Sendable {
  let store: any PlanStore
  private let queue = DispatchQueue(label: "baton-reader")

  init(_ store: any PlanStore) { self.store = store }

  func list(
    _ filter: PlanFilter, before: PlanID?, limit: Int
  ) async throws(RPCError) -> [PlanSummary] {
    try await read { store throws(StoreError) in
      try store.list(filter, before: before, limit: limit)
    }
  }

  /// A page ends at `maxCount` events or 1 MiB.
  func events(
    _ id: PlanID, from seq: Int64, maxCount: Int
  ) async throws(RPCError) -> [TraceEvent] {
    try await read { store throws(StoreError) in
      try store.events(id, from: seq, maxCount: maxCount, maxBytes: 1 << 20)
    }
  }

  private func read<T: Sendable>(
    _ body: @escaping @Sendable (any PlanStore) throws(StoreError) -> T
  ) async throws(RPCError) -> T {
    let result: Result<T, StoreError> = await withCheckedContinuation { continuation in
      queue.async {
        do throws(StoreError) {
          continuation.resume(returning: .success(try body(store)))
        } catch { continuation.resume(returning: .failure(error)) }
      }
    }
    do throws(StoreError) { return try result.get() } catch {
      throw RPCError(
        code: .unavailable, reason: OrchestratorError.Code.storeUnavailable.reason,
        message: "the store did not answer: \(error)")
    }
  }
}
