import Testing

@testable import AdapterKit

/// Runs that ask, by the rules of the hand-out.
struct DialogTests {
  @Test("Rules", arguments: transcripts)
  func rule(_ rule: Rule) {
    #expect(Transcript.firstMistake(in: rule.transcript) == nil)
  }
}

private let transcripts: [Rule] = [
  Rule(
    name: "a question that is taken is in no list, and its run goes on with the answer",
    transcript: """
      dispatch a#1 5 -> start e1-1
      ask a#1 1
      list -> a#1:5:FINISHED
      poll a#1 5 -> Q1
      settled a#1 5
      list ->
      poll a#1 5 -> NOT_FOUND
      restart
      resume a#1 7 1 -> start e1-1
      list -> a#1:7:RUNNING
      finish a#1 R
      settled a#1 7
      resume a#1 8 2 -> ended
      """),
  Rule(
    name: "P1: the same answer again is the same run, whatever has become of it",
    transcript: """
      dispatch a#1 5 -> start e1-1
      ask a#1 1
      settled a#1 5
      resume a#1 7 1 -> start e1-1
      resume a#1 7 1 -> same e1-1
      ask a#1 2
      resume a#1 7 1 -> same e1-1
      settled a#1 7
      resume a#1 7 1 -> same e1-1
      resume a#1 9 2 -> start e1-1
      """),
  Rule(
    name: "P2: an answer for a run that is not parked here is refused",
    transcript: """
      resume a#1 7 1 -> lost
      rows -> 0
      dispatch a#1 5 -> start e1-1
      ask a#1 1
      settled a#1 5
      resume a#1 7 1 -> start e1-1
      restart
      resume a#1 7 1 -> lost
      resume a#1 8 1 -> lost
      dispatch a#1 8 1 -> start e1-1
      """),
  Rule(
    name: "P6: an answer that comes before the acknowledgement stands for it",
    transcript: """
      dispatch a#1 5 -> start e1-1
      ask a#1 1
      resume a#1 7 1 -> start e1-1
      settled a#1 5
      list -> a#1:7:RUNNING
      """),
  Rule(
    name: "a hand-out that knows no answer delivers the question again; one that does begins anew",
    transcript: """
      dispatch a#1 5 -> start e1-1
      ask a#1 1
      refused a#1 5
      dispatch a#1 6 -> same e1-1
      due -> a#1:6:FINISHED
      dispatch a#1 8 1 -> start e1-1
      """),
  Rule(
    name: "P9: a late hand-out does not start a parked run",
    transcript: """
      dispatch a#1 5 -> start e1-1
      ask a#1 1
      settled a#1 5
      dispatch a#1 5 -> lost
      dispatch a#1 4 -> lost
      resume a#1 6 0 -> lost
      """),
  Rule(
    name: "P8: ALREADY_TERMINAL ends a run that asks, and so does a cancel",
    transcript: """
      dispatch a#1 5 -> start e1-1
      ask a#1 1
      terminal a#1 5
      resume a#1 7 1 -> ended
      dispatch b#1 5 -> start e1-2
      ask b#1 1
      forget b#1
      cancel b#1 -> notFound
      resume b#1 7 1 -> cancelled
      """),
  Rule(
    name: "a parked run takes no place, and waits for one",
    transcript: """
      dispatch a#1 1 -> start e1-1
      ask a#1 1
      settled a#1 1
      dispatch b#1 1 -> start e1-2
      dispatch c#1 1 -> start e1-3
      resume a#1 3 1 -> noRoom
      finish b#1 R
      resume a#1 3 1 -> start e1-1
      """),
  Rule(
    name: "a parked run is kept as long as a lost one",
    transcript: """
      dispatch a#1 1 -> start e1-1
      ask a#1 1
      settled a#1 1
      wait 999
      rows -> 1
      restart
      wait 999
      rows -> 1
      wait 1
      resume a#1 3 1 -> lost
      """),
]
