import CoreMetrics
import Synchronization

/// Metrics that are really kept, in memory: a counter is a number, a timer a number and a sum.
struct CountingMetrics: MetricsFactory {
  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    Count()
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { Sum() }

  func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    NOOPMetricsHandler.instance
  }

  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}

  private final class Count: CounterHandler {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }
  }

  private final class Sum: TimerHandler {
    private let count = Atomic<Int64>(0)
    private let nanoseconds = Atomic<Int64>(0)

    func recordNanoseconds(_ duration: Int64) {
      count.wrappingAdd(1, ordering: .relaxed)
      nanoseconds.wrappingAdd(duration, ordering: .relaxed)
    }
  }
}
