// Calls Baton from Go: submits a plan, follows it, cancels one, reads refusals.
//
// usage: client HOST:PORT
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	api "baton.dev/proto/baton/v1"
)

// Every call has a deadline: without one it may wait for ever.
const timeout = 30 * time.Second

// Names of the codes as the gRPC specification writes them.
var codeNames = map[codes.Code]string{
	codes.Canceled:        "CANCELLED",
	codes.InvalidArgument: "INVALID_ARGUMENT",
	codes.NotFound:        "NOT_FOUND",
	codes.AlreadyExists:   "ALREADY_EXISTS",
}

func task(id, payload string, dependsOn ...string) *api.Task {
	return &api.Task{Id: id, Type: "prompt", PayloadJson: []byte(payload), DependsOn: dependsOn}
}

// Two tasks; the second one reads what the first one wrote.
func note() *api.Plan {
	return &api.Plan{Name: "note", Tasks: []*api.Task{
		task("draft", `{"prompt": "Write a note about tea."}`),
		task("review", `{"prompt": "Shorten: ${{ tasks.draft.output.text }}"}`, "draft"),
	}}
}

// A task that the mock adapter runs until it is cancelled.
func endless() *api.Plan {
	wait := task("wait", `{"prompt": "Wait."}`)
	wait.Metadata = map[string]string{"mock.hang": "true"}
	return &api.Plan{Name: "endless", Tasks: []*api.Task{wait}}
}

// Two tasks that wait for each other.
func circle() *api.Plan {
	return &api.Plan{Name: "circle", Tasks: []*api.Task{
		task("a", `{"prompt": "A"}`, "b"), task("b", `{"prompt": "B"}`, "a"),
	}}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func showEvent(event *api.PlanEvent) {
	fmt.Println(event.Seq, event.Kind, orDash(event.TaskId))
}

// The code, and from google.rpc.ErrorInfo the stable reason and what it is about.
func showRefusal(err error, about string) {
	refusal := status.Convert(err)
	for _, detail := range refusal.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			fmt.Println("refused:", codeNames[refusal.Code()], info.Reason, info.Metadata[about])
			return
		}
	}
	fmt.Println("refused:", codeNames[refusal.Code()])
}

// Ends the program where a call fails that should not.
func check(err error) {
	if err != nil {
		log.Fatalln("client:", err)
	}
}

func submit(ctx context.Context, orchestrator api.OrchestratorClient) string {
	// With a key of our own a submission can be repeated, whatever became of the first one.
	random := rand.New(rand.NewSource(time.Now().UnixNano()))
	request := &api.SubmitPlanRequest{Plan: note(), RequestKey: fmt.Sprintf("go-%d", random.Int63())}
	first, err := orchestrator.SubmitPlan(ctx, request)
	check(err)
	fmt.Println("submitted: created", first.Created)
	second, err := orchestrator.SubmitPlan(ctx, request)
	check(err)
	fmt.Println("again: created", second.Created, "same", second.PlanId == first.PlanId)
	request.Plan.Name = "another"
	_, err = orchestrator.SubmitPlan(ctx, request)
	showRefusal(err, "namespace")
	return first.PlanId
}

// Every event from the first one on; the stream ends with the plan.
func follow(ctx context.Context, orchestrator api.OrchestratorClient, planID string) {
	events, err := orchestrator.StreamPlanEvents(ctx, &api.StreamPlanEventsRequest{PlanId: planID})
	check(err)
	for {
		item, err := events.Recv()
		if err == io.EOF {
			break
		}
		check(err)
		showEvent(item.GetEvent())
	}
	request := &api.GetPlanRequest{PlanId: planID, View: api.PlanView_PLAN_VIEW_FULL}
	answer, err := orchestrator.GetPlan(ctx, request)
	check(err)
	fmt.Println("plan:", answer.State.Status)
	for _, each := range answer.State.Tasks {
		fmt.Println("task:", each.Id, each.Status, string(each.OutputJson))
	}
}

// Cancelling the call ends the watching, not the plan.
func stopWatching(
	ctx context.Context, orchestrator api.OrchestratorClient, following *api.StreamPlanEventsRequest,
) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	events, err := orchestrator.StreamPlanEvents(watching, following)
	check(err)
	item, err := events.Recv()
	check(err)
	showEvent(item.GetEvent())
	stop()
	for err == nil {
		_, err = events.Recv()
	}
	fmt.Println("stopped watching:", codeNames[status.Code(err)])
}

func cancel(ctx context.Context, orchestrator api.OrchestratorClient) {
	submitted, err := orchestrator.SubmitPlan(ctx, &api.SubmitPlanRequest{Plan: endless()})
	check(err)
	following := &api.StreamPlanEventsRequest{PlanId: submitted.PlanId}
	stopWatching(ctx, orchestrator, following)
	events, err := orchestrator.StreamPlanEvents(ctx, following)
	check(err)
	for {
		item, err := events.Recv()
		if err == io.EOF {
			return
		}
		check(err)
		showEvent(item.GetEvent())
		if item.GetEvent().Kind != "task_running" {
			continue
		}
		ending := &api.CancelPlanRequest{PlanId: submitted.PlanId, Reason: "no longer needed"}
		ended, err := orchestrator.CancelPlan(ctx, ending)
		check(err)
		fmt.Println("cancelled:", ended.State.Status)
	}
}

func refusals(ctx context.Context, orchestrator api.OrchestratorClient) {
	_, err := orchestrator.SubmitPlan(ctx, &api.SubmitPlanRequest{Plan: circle()})
	showRefusal(err, "field")
	nobody := "01890000-0000-7000-8000-000000000000"
	_, err = orchestrator.GetPlan(ctx, &api.GetPlanRequest{PlanId: nobody})
	showRefusal(err, "plan_id")
}

func main() {
	if len(os.Args) != 2 {
		log.Fatalln("usage: client HOST:PORT")
	}
	// From grpc 1.63 on: grpc.NewClient, with insecure.NewCredentials().
	connection, err := grpc.Dial(os.Args[1], grpc.WithInsecure())
	check(err)
	defer connection.Close()
	ctx, stop := context.WithTimeout(context.Background(), timeout)
	defer stop()
	orchestrator := api.NewOrchestratorClient(connection)
	info, err := orchestrator.GetServerInfo(ctx, &api.GetServerInfoRequest{})
	check(err)
	fmt.Println("server: max_tasks", info.Limits["max_tasks"])
	follow(ctx, orchestrator, submit(ctx, orchestrator))
	cancel(ctx, orchestrator)
	refusals(ctx, orchestrator)
}
