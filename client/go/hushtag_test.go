package hushtag

import (
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

type question struct {
	Hashtag, Surface, Country, Account, Tweet, Visibility, Why, By, Warning string
	AtMs                                                                    int64 `json:"at_ms"`
	Shown                                                                   bool
	Weight                                                                  *float64
}

type plainChange struct {
	ID, Incarnation, Field, Value string
	Seq                           int64
	Register                      json.RawMessage
}

type state struct {
	Incarnation string
	Seq         int64
	Registers   []json.RawMessage
	Changes     []plainChange
	Heartbeats  map[string]json.RawMessage
	Reconciled  map[string]string
}

type step struct {
	Server    *state
	AfterMark *state `json:"after_mark"`
	AtMs      int64  `json:"at_ms"`
	Snapshot  bool
	Questions []question
}

type vectorCase struct {
	Name, Hashtag, Normalised string
	CRC32                     uint32
	Shards                    map[string]int
	Registers                 []json.RawMessage
	Heartbeats                map[string]json.RawMessage
	Reconciled                []string
	SeenMs                    int64 `json:"seen_ms"`
	Questions                 []question
	Steps                     []step
	Writes                    []struct {
		Register json.RawMessage
		Applied  bool
	}
	Versions map[string]string
	Seq      int64
}

var run = map[string]func(*testing.T, vectorCase){
	"normalise.json":       checkNormalise,
	"shards.json":          checkShards,
	"resolution.json":      checkHealthy,
	"accounts.json":        checkHealthy,
	"staleness.json":       checkStaleness,
	"scopes.json":          checkStaleness,
	"following.json":       checkFollowing,
	"compare-and-set.json": checkWrites,
	"proofs.json":          nil, // for verifiers of the public log, not for readers of flags
}

func TestVectors(t *testing.T) {
	paths, _ := filepath.Glob("../../docs/vectors/*.json")
	if len(paths) == 0 {
		t.Fatal("no vectors in ../../docs/vectors")
	}
	for _, path := range paths {
		name := filepath.Base(path)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		check, isNamed := run[name]
		if isNamed && check == nil {
			continue
		}
		if name == "normalise-data.json" {
			if string(raw) != string(normaliseJSON) {
				t.Error("normalise-data.json differs from the contract's")
			}
			continue
		}
		var vectors struct {
			Cases     []vectorCase
			Countries []string
		}
		if err := json.Unmarshal(raw, &vectors); err != nil {
			t.Fatal(name, err)
		}
		if vectors.Countries != nil && strings.Join(vectors.Countries, " ") != strings.TrimSpace(countries) {
			t.Error("the countries differ from the contract's")
		}
		if check == nil || len(vectors.Cases) == 0 {
			t.Errorf("%s: no test for it, or no cases", name)
			continue
		}
		for _, one := range vectors.Cases {
			t.Run(name+"/"+one.Name+one.Hashtag, func(t *testing.T) { check(t, one) })
		}
	}
}

func checkNormalise(t *testing.T, one vectorCase) {
	if got := Normalise(one.Hashtag); got != one.Normalised {
		t.Errorf("%+q: %+q, want %+q", one.Hashtag, got, one.Normalised)
	}
}

func checkShards(t *testing.T, one vectorCase) {
	if got := crc32.ChecksumIEEE([]byte(one.Hashtag)); got != one.CRC32 {
		t.Errorf("CRC-32 %d, want %d", got, one.CRC32)
	}
	for count, shard := range one.Shards {
		partitions, _ := strconv.Atoi(count)
		client := Client{partitions: partitions}
		if got := client.shard(one.Hashtag); got != shard {
			t.Errorf("shard %d of %s, want %d", got, count, shard)
		}
	}
}

// stateServer answers from the data of a vector; nil is a server that does not answer.
type stateServer struct{ now, afterMark *state }

var errAway = errors.New("the server is away")

func (s *stateServer) poll(context.Context) (position, error) {
	if s.now == nil {
		return position{}, errAway
	}
	found := position{incarnation: s.now.Incarnation, seq: s.now.Seq, reconciled: s.now.Reconciled,
		heartbeats: map[int]heartbeat{}}
	for name, value := range s.now.Heartbeats {
		addHeartbeat(found.heartbeats, name, string(value))
	}
	return found, nil
}

func (s *stateServer) mark(ctx context.Context) (position, error) {
	found, err := s.poll(ctx)
	if err != nil {
		return found, err
	}
	found.lastID = "0-0"
	if count := len(s.now.Changes); count > 0 {
		found.lastID = s.now.Changes[count-1].ID
	}
	if s.afterMark != nil {
		s.now, s.afterMark = s.afterMark, nil
	}
	return found, nil
}

func (s *stateServer) scan(_ context.Context, cursor uint64) ([]string, uint64, error) {
	if s.now == nil {
		return nil, 0, errAway
	}
	if int(cursor) >= len(s.now.Registers) {
		return nil, 0, nil
	}
	value := s.now.Registers[cursor]
	return []string{fieldOf(value), string(value)}, (cursor + 1) % uint64(len(s.now.Registers)), nil
}

func (s *stateServer) read(_ context.Context, after string, _ time.Duration) ([]change, error) {
	if s.now == nil {
		return nil, errAway
	}
	var changes []change
	for _, one := range s.now.Changes {
		if idNumber(one.ID) <= idNumber(after) {
			continue
		}
		found := change{id: one.ID, incarnation: one.Incarnation, seq: one.Seq, field: one.Field, value: one.Value}
		if one.Register != nil {
			found.value = string(one.Register)
			if found.field == "" {
				found.field = fieldOf(one.Register)
			}
		}
		changes = append(changes, found)
	}
	return changes, nil
}

func idNumber(id string) int64 { return number(strings.TrimSuffix(id, "-0")) }

func fieldOf(register json.RawMessage) string {
	var r struct{ Surface, Country, Source, Hashtag string }
	_ = json.Unmarshal(register, &r)
	return field(r.Surface, r.Country, r.Source, r.Hashtag)
}

type clock struct{ ms int64 }

func (c *clock) now() time.Time { return time.UnixMilli(c.ms) }

func newTestClient(now *clock) *Client {
	return New(Options{Hide: []string{"search"}, Now: now.now, Log: func(string) {}})
}

// rest follows until two rounds in a row change nothing.
func rest(client *Client, server *stateServer) {
	for range 4 {
		_ = client.round(context.Background(), server, 0)
	}
}

func checkQuestion(t *testing.T, client *Client, asked question) {
	t.Helper()
	if asked.Account != "" || asked.Tweet != "" {
		got := client.Account(asked.Account, asked.Country)
		if asked.Tweet != "" {
			got = client.Tweet(asked.Tweet, asked.Country)
		}
		if got != asked.Visibility {
			t.Errorf("%+v: %s", asked, got)
		}
		return
	}
	got, by, weight := client.Check(asked.Hashtag, asked.Surface, asked.Country), "", 1.0
	if got.Register != nil {
		by = got.Register.Field()
	}
	if asked.Weight != nil {
		weight = *asked.Weight
	}
	if got.Shown != asked.Shown || got.Why != asked.Why || by != asked.By || got.Weight != weight ||
		got.Warning != asked.Warning {
		t.Errorf("%+v: %+v by %q", asked, got, by)
	}
}

func checkHealthy(t *testing.T, one vectorCase) {
	for _, asked := range one.Questions {
		one.SeenMs = asked.AtMs
		beat, _ := json.Marshal(map[string]int64{"settled_ms": asked.AtMs, "at_ms": asked.AtMs, "partitions": 1})
		one.Heartbeats, one.Reconciled = map[string]json.RawMessage{"0": beat}, []string{"0", "moderation"}
		one.Questions = []question{asked}
		checkStaleness(t, one)
	}
}

func checkStaleness(t *testing.T, one vectorCase) {
	now := &clock{one.SeenMs}
	client, reconciled := newTestClient(now), map[string]string{}
	for _, partition := range one.Reconciled {
		reconciled[partition] = "life"
	}
	rest(client, &stateServer{now: &state{
		Incarnation: "life", Seq: 1, Registers: one.Registers, Heartbeats: one.Heartbeats, Reconciled: reconciled,
	}})
	for _, asked := range one.Questions {
		now.ms = asked.AtMs
		checkQuestion(t, client, asked)
	}
}

func checkFollowing(t *testing.T, one vectorCase) {
	now := &clock{}
	client := newTestClient(now)
	for number, step := range one.Steps {
		before := client.snapshots
		now.ms = step.AtMs
		rest(client, &stateServer{now: step.Server, afterMark: step.AfterMark})
		if (client.snapshots > before) != step.Snapshot {
			t.Errorf("step %d: %d snapshots", number+1, client.snapshots-before)
		}
		for _, asked := range step.Questions {
			checkQuestion(t, client, asked)
		}
	}
}

func TestSnapshotWithoutIncarnationHasNoRegisters(t *testing.T) {
	now := &clock{1_800_000_000_000}
	client := newTestClient(now)
	value := `{"version":"0000.0000000000000000001.000000000000000","action":"suppress","expires_at_ms":1800003600000,
		"hashtag":"a","surface":"trends","country":"*","source":"automated"}`
	between := &state{Registers: []json.RawMessage{json.RawMessage(value)}}
	rest(client, &stateServer{now: between})
	if !client.synced || len(client.registers) != 0 {
		t.Errorf("synced is %v, registers %v", client.synced, client.registers)
	}
	between.Incarnation = "life"
	rest(client, &stateServer{now: between})
	if len(client.registers) != 1 {
		t.Errorf("registers %v", client.registers)
	}
}

// checkWrites applies each write as a change: a reader replaces a register as the server does.
func checkWrites(t *testing.T, one vectorCase) {
	now := &clock{1_800_000_000_000}
	client, seq := newTestClient(now), int64(0)
	rest(client, &stateServer{now: &state{Incarnation: "life"}})
	for number, write := range one.Writes {
		name := fieldOf(write.Register)
		before := client.registers[name]
		client.apply([]change{{incarnation: "life", seq: int64(number) + 1, field: name, value: string(write.Register)}})
		if applied := client.registers[name] != before; applied != write.Applied {
			t.Errorf("write %d: applied is %v", number+1, applied)
		}
		if write.Applied {
			seq++
		}
	}
	if seq != one.Seq || len(client.registers) != len(one.Versions) {
		t.Errorf("seq %d, %d registers", seq, len(client.registers))
	}
	for name, version := range one.Versions {
		if r := client.registers[name]; r == nil || r.Version != version {
			t.Errorf("%s: %+v, want version %s", name, r, version)
		}
	}
}

func TestNormaliseEndsForEveryCodePoint(t *testing.T) {
	for point := rune(1); point <= 0x10FFFF; point++ {
		once := Normalise(string(point))
		if Normalise(once) != once {
			t.Fatalf("%U is not stable", point)
		}
	}
}

func TestShortMaxStalenessIsReported(t *testing.T) {
	for limit, want := range map[time.Duration]int{29 * time.Second: 1, 30 * time.Second: 0, 0: 0} {
		reported := 0
		New(Options{MaxStaleness: limit, Log: func(string) { reported++ }})
		if reported != want {
			t.Errorf("%s: %d warnings", limit, reported)
		}
	}
}

func TestUnknownValueIsLoggedOnceAndCounted(t *testing.T) {
	logged := 0
	client := New(Options{Log: func(string) { logged++ }})
	for range 3 {
		client.Check("tag", "trends", "ZZ")
	}
	if logged != 1 || client.Unknown()[UnknownCountry] != 3 {
		t.Errorf("%d lines, %v", logged, client.Unknown())
	}
}
