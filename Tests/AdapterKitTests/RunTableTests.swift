import Testing

@testable import AdapterKit

/// The rules of the hand-out, one by one: what comes in, and what is answered.
struct RunTableTests {
  @Test("Rules", arguments: transcripts)
  func rule(_ rule: Rule) {
    #expect(Transcript.firstMistake(in: rule.transcript) == nil)
  }

  @Test("A transcript with a wrong answer is noticed")
  func canary() {
    #expect(Transcript.firstMistake(in: "dispatch a#1 5 -> lost") != nil)
  }

  @Test("A run has begun from its start on, and a successor's has not")
  func begin() {
    var table = RunTable(
      epoch: "e", runningMax: 1, retention: RunTable.Retention(tombstone: 1, lost: 1))
    let run = RunReference(key: "a", attempt: 1)
    _ = table.handOut(HandOut(run: run, token: 1))
    #expect(table[run]?.hasStarted == false)
    table.begin(run)
    #expect(table[run]?.hasStarted == true)
    table.lose(run, now: 0)
    _ = table.handOut(HandOut(run: run, token: 2))
    #expect(table[run]?.hasStarted == false)
  }
}

struct Rule: CustomTestStringConvertible, Sendable {
  var name: String
  var transcript: String
  var testDescription: String { name }
}

private let transcripts: [Rule] = [
  Rule(
    name: "P1 P2: the same record again is the same run",
    transcript: """
      dispatch a#1 5 -> start e1-1
      dispatch a#1 5 -> same e1-1
      finish a#1 R
      dispatch a#1 5 -> same e1-1
      list -> a#1:5:FINISHED
      """),
  Rule(
    name: "P2: a lost run is started again only by a higher token",
    transcript: """
      dispatch a#1 5 -> start e1-1
      restart
      dispatch a#1 5 -> lost
      dispatch a#1 4 -> lost
      dispatch a#1 6 -> start e1-1
      dispatch a#1 5 -> same e1-1
      list -> a#1:6:RUNNING
      """),
  Rule(
    name: "P2: the highest token counts, not the latest",
    transcript: """
      dispatch a#1 5 -> start e1-1
      dispatch a#1 7 -> same e1-1
      dispatch a#1 6 -> same e1-1
      list -> a#1:7:RUNNING
      restart
      dispatch a#1 7 -> lost
      dispatch a#1 8 -> start e1-1
      """),
  Rule(
    name: "P3: the list holds what is unfinished or unacknowledged",
    transcript: """
      list ->
      dispatch a#1 1 -> start e1-1
      dispatch b#1 2 -> start e1-2
      finish b#1 R
      list -> a#1:1:RUNNING b#1:2:FINISHED
      settled b#1 2
      list -> a#1:1:RUNNING
      """),
  Rule(
    name: "P3: a run lost with its process is told by its absence",
    transcript: """
      dispatch a#1 1 -> start e1-1
      dispatch b#1 1 -> start e1-2
      finish b#1 R
      restart
      list -> b#1:1:FINISHED
      poll a#1 2 -> NOT_FOUND
      """),
  Rule(
    name: "P5: a cancel ends the attempt it names, and no other",
    transcript: """
      dispatch a#1 1 -> start e1-1
      dispatch b#1 1 -> start e1-2
      cancel b#1 -> accepted ends:b#1
      list -> a#1:1:RUNNING b#1:1:RUNNING
      dispatch a#1 1 -> same e1-1
      """),
  Rule(
    name: "P6: an answer counts for the token it was asked under",
    transcript: """
      dispatch a#1 5 -> start e1-1
      finish a#1 R
      dispatch a#1 6 -> same e1-1
      refused a#1 5
      due -> a#1:6:FINISHED
      settled a#1 5
      list -> a#1:6:FINISHED
      settled a#1 6
      list ->
      """),
  Rule(
    name: "P7: polling takes on a higher token",
    transcript: """
      dispatch a#1 5 -> start e1-1
      poll a#1 6 -> pending
      list -> a#1:6:RUNNING
      poll a#1 4 -> pending
      list -> a#1:6:RUNNING
      finish a#1 R
      poll a#1 7 -> R
      list -> a#1:7:FINISHED
      poll b#1 1 -> NOT_FOUND
      """),
  Rule(
    name: "P8: reading deletes nothing",
    transcript: """
      dispatch a#1 5 -> start e1-1
      finish a#1 R
      poll a#1 5 -> R
      poll a#1 5 -> R
      restart
      poll a#1 5 -> R
      """),
  Rule(
    name: "P8: STALE_LEASE parks a result until a higher token asks for it",
    transcript: """
      dispatch a#1 5 -> start e1-1
      finish a#1 R
      due -> a#1:5:FINISHED
      refused a#1 5
      due ->
      list -> a#1:5:FINISHED
      dispatch a#1 5 -> same e1-1
      due ->
      dispatch a#1 6 -> same e1-1
      due -> a#1:6:FINISHED
      refused a#1 6
      poll a#1 7 -> R
      due -> a#1:7:FINISHED
      """),
  Rule(
    name: "P8: a forget deletes a result, and only a result",
    transcript: """
      dispatch a#1 5 -> start e1-1
      dispatch b#1 5 -> start e1-2
      finish a#1 R
      forget a#1
      forget b#1
      forget c#1
      list -> b#1:5:RUNNING
      poll a#1 5 -> NOT_FOUND
      """),
  Rule(
    name: "P9: a settled run is not run again, however high the token, until its tombstone goes",
    transcript: """
      dispatch a#1 5 -> start e1-1
      finish a#1 R
      settled a#1 5
      dispatch a#1 5 -> ended
      dispatch a#1 9 -> ended
      restart
      wait 99
      dispatch a#1 9 -> ended
      wait 2
      rows -> 0
      dispatch a#1 9 -> start e2-1
      """),
  Rule(
    name: "P9: a lower attempt is refused and its run ended",
    transcript: """
      dispatch a#1 5 -> start e1-1
      dispatch a#2 6 -> start e1-2 ends:a#1
      dispatch a#1 7 -> superseded ends:a#1
      finish a#1 C
      dispatch a#1 7 -> superseded
      list -> a#1:5:FINISHED a#2:6:RUNNING
      """),
  Rule(
    name: "P9: a tombstone or a lost run of a higher attempt refuses a lower one",
    transcript: """
      dispatch a#2 6 -> start e1-1
      finish a#2 R
      settled a#2 6
      dispatch b#2 6 -> start e1-2
      restart
      dispatch a#1 5 -> superseded
      dispatch b#1 9 -> superseded
      """),
  Rule(
    name: "P10: a cancel of an unknown run leaves a tombstone",
    transcript: """
      cancel a#1 -> notFound
      dispatch a#1 5 -> cancelled
      cancel a#1 -> notFound
      restart
      dispatch a#1 6 -> cancelled
      wait 101
      dispatch a#1 6 -> start e2-1
      """),
  Rule(
    name: "P10: a cancel is repeated until the run is gone",
    transcript: """
      dispatch a#1 5 -> start e1-1
      cancel a#1 -> accepted ends:a#1
      cancel a#1 -> accepted ends:a#1
      dispatch a#1 6 -> cancelled
      list -> a#1:5:RUNNING
      finish a#1 C
      cancel a#1 -> alreadyFinished
      due -> a#1:5:FINISHED
      settled a#1 5
      cancel a#1 -> notFound
      """),
  Rule(
    name: "P10: a cancel of an unknown higher attempt ends the lower one",
    transcript: """
      dispatch a#1 5 -> start e1-1
      cancel a#2 -> notFound ends:a#1
      dispatch a#1 6 -> superseded ends:a#1
      """),
  Rule(
    name: "P10: a lost run that is cancelled does not come back",
    transcript: """
      dispatch a#1 5 -> start e1-1
      restart
      cancel a#1 -> notFound
      dispatch a#1 6 -> cancelled
      """),
  Rule(
    name: "P11: whatever ran in a process that died counts as dead",
    transcript: """
      dispatch a#1 5 -> start e1-1
      dispatch b#1 5 -> start e1-2
      dispatch c#1 5 -> noRoom
      restart
      dispatch c#1 5 -> start e2-1
      list -> c#1:5:RUNNING
      """),
  Rule(
    name: "P12: a run that was cancelled after its token was closed leaves a result to be refused",
    transcript: """
      dispatch a#1 5 -> start e1-1
      cancel a#1 -> accepted ends:a#1
      finish a#1 C
      due -> a#1:5:FINISHED
      refused a#1 5
      dispatch a#2 6 -> start e1-2
      due ->
      """),
  Rule(
    name: "No room: refused without a trace, and a lost run stays lost",
    transcript: """
      dispatch a#1 1 -> start e1-1
      restart
      dispatch b#1 1 -> start e2-1
      dispatch c#1 1 -> start e2-2
      dispatch a#1 2 -> noRoom
      dispatch d#1 2 -> noRoom
      rows -> 3
      finish b#1 R
      dispatch a#1 1 -> lost
      dispatch a#1 2 -> start e1-1
      """),
  Rule(
    name: "A run that was handed back comes again with a higher token",
    transcript: """
      dispatch a#1 1 -> start e1-1
      handBack a#1
      list ->
      finish a#1 R
      list ->
      dispatch a#1 1 -> lost
      dispatch a#1 2 -> start e1-1
      """),
  Rule(
    name: "An unacknowledged result is due again after a restart",
    transcript: """
      dispatch a#1 1 -> start e1-1
      finish a#1 R
      refused a#1 1
      restart
      due -> a#1:1:FINISHED
      """),
  Rule(
    name: "A lost run is forgotten in the end",
    transcript: """
      dispatch a#1 1 -> start e1-1
      restart
      wait 999
      dispatch a#1 1 -> lost
      wait 2
      rows -> 0
      """),
]
