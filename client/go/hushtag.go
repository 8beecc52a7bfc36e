// Package hushtag answers from memory whether a surface may show a hashtag. It is a reader of hushtag's flags
// contract, v1 (docs/flags-contract.md): a copy of all registers that follows a Redis or Valkey server.
//
// A check never waits for the server and never fails. The package passes the test vectors of the contract.
package hushtag

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/redis/go-redis/v9"
	"golang.org/x/text/unicode/norm"
)

const (
	prefix         = "{hushtag}:v1:"
	world          = "*"
	page           = 500
	pollEvery      = 500 * time.Millisecond
	settlingMs     = 30_000 // least useful max_staleness: a healthy pipeline's watermark may be 25 s old
	mostShards     = 65_536
	mostLogged     = 1_000
	pruneEveryMs   = 60_000
	longestWait    = 2 * time.Second
	UnknownSurface = "unknown_surface"
	UnknownCountry = "unknown_country"
)

const countries = ` AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW `

// ---- Normalising a hashtag ----

//go:embed normalise-data.json
var normaliseJSON []byte

type ranges [][2]rune

func (r ranges) has(point rune) bool {
	_, found := slices.BinarySearchFunc(r, point, func(one [2]rune, point rune) int {
		if point < one[0] {
			return 1
		}
		return cmp.Compare(0, max(0, point-one[1]))
	})
	return found
}

var (
	normaliseData struct {
		MostSteps  int               `json:"most_steps"`
		Ignorable  ranges            `json:"ignorable"`
		Unassigned ranges            `json:"unassigned"`
		Fold       map[string]string `json:"fold"`
	}
	folds = map[rune]string{}
)

func init() {
	if err := json.Unmarshal(normaliseJSON, &normaliseData); err != nil {
		panic("normalise-data.json: " + err.Error())
	}
	for point, folded := range normaliseData.Fold {
		number, err := strconv.Atoi(point)
		if err != nil {
			panic("normalise-data.json: " + err.Error())
		}
		folds[rune(number)] = folded
	}
}

// Normalise returns the form in which hashtags are looked up, without #.
func Normalise(hashtag string) string {
	if !strings.ContainsFunc(hashtag, func(point rune) bool { return point > unicode.MaxASCII }) {
		return strings.TrimLeft(strings.ToLower(hashtag), "#")
	}
	for range normaliseData.MostSteps {
		stepped := normaliseStep(hashtag)
		if stepped == hashtag {
			break
		}
		hashtag = stepped
	}
	return hashtag
}

func normaliseStep(text string) string {
	var folded strings.Builder
	part := []rune{}
	flush := func() {
		folded.WriteString(nfkc(foldCase(nfkc(string(part)))))
		part = part[:0]
	}
	for _, point := range strip(text) {
		if normaliseData.Unassigned.has(point) {
			flush()
			folded.WriteRune(point)
		} else {
			part = append(part, point)
		}
	}
	flush()
	return strings.TrimLeft(strip(folded.String()), "#")
}

func strip(text string) string {
	return strings.Map(func(point rune) rune {
		if normaliseData.Ignorable.has(point) {
			return -1
		}
		return point
	}, text)
}

func foldCase(text string) string {
	var folded strings.Builder
	for _, point := range text {
		if fold, found := folds[point]; found {
			folded.WriteString(fold)
		} else {
			folded.WriteRune(unicode.ToLower(point))
		}
	}
	return folded.String()
}

// nfkc is Unicode's NFKC. norm.NFKC inserts U+034F after 30 combining marks, so long sequences take another way.
func nfkc(text string) string {
	marks := 0
	for _, point := range text {
		if combiningClass(point) == 0 {
			marks = 0
		} else if marks++; marks > 7 {
			return longNFKC(text)
		}
	}
	return norm.NFKC.String(text)
}

func combiningClass(point rune) uint8 {
	if point < 0x300 {
		return 0
	}
	return norm.NFKD.PropertiesString(string(point)).CCC()
}

func longNFKC(text string) string {
	points := []rune{}
	for _, point := range text {
		points = append(points, []rune(norm.NFKD.String(string(point)))...)
	}
	for first := 0; first < len(points); first++ {
		last := first
		for last < len(points) && combiningClass(points[last]) != 0 {
			last++
		}
		slices.SortStableFunc(points[first:last], func(a, b rune) int {
			return cmp.Compare(combiningClass(a), combiningClass(b))
		})
		first = max(first, last-1)
	}
	composed, starter, before := []rune{}, -1, -1
	for _, point := range points {
		class := int(combiningClass(point))
		if starter >= 0 && before < class {
			pair := []rune(norm.NFC.String(string([]rune{composed[starter], point})))
			if len(pair) == 1 {
				composed[starter] = pair[0]
				continue
			}
		}
		before = class
		if class == 0 {
			starter, before = len(composed), -1
		}
		composed = append(composed, point)
	}
	return string(composed)
}

// ---- Registers ----

// Register is the action of one source on one hashtag, on one surface, in one country.
type Register struct {
	Version, Action, Hashtag, Surface, Country, Source string
	Display, Category, Actor                           string
	ExpiresAtMs, KeepUntilMs, DecidedAtMs              int64
	Weight                                             float64
	Provisional                                        bool
	Reasons, Evidence                                  json.RawMessage
}

// Field is the name of the register in the hash of all registers.
func (r *Register) Field() string { return field(r.Surface, r.Country, r.Source, r.Hashtag) }

func field(surface, country, source, hashtag string) string {
	return surface + "|" + country + "|" + source + "|" + hashtag
}

func (r *Register) byPeople() bool { return r.Source != "automated" }
func (r *Register) hides() bool    { return r.Action == "suppress" || r.Action == "hold" }

func (r *Register) inForce(nowMs int64) bool {
	return r != nil && r.Action != "clear" && (r.ExpiresAtMs == 0 || nowMs < r.ExpiresAtMs)
}

var (
	versionForm = regexp.MustCompile(`^[0-9.]{1,100}$`)
	actionForm  = regexp.MustCompile(`^[a-z_]{1,40}$`)
)

// decode reads a register; nil if its value is unreadable or belongs to another field.
func decode(name, value string) *Register {
	var read map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &read) != nil {
		return nil
	}
	r, valid := &Register{Weight: 1}, true
	member := func(name string, into any, required bool) {
		raw, found := read[name]
		if !found || string(raw) == "null" {
			valid = valid && !required
			return
		}
		valid = valid && json.Unmarshal(raw, into) == nil
	}
	for name, into := range map[string]*string{
		"version": &r.Version, "action": &r.Action, "hashtag": &r.Hashtag,
		"surface": &r.Surface, "country": &r.Country, "source": &r.Source,
	} {
		member(name, into, true)
	}
	member("expires_at_ms", &r.ExpiresAtMs, true)
	member("keep_until_ms", &r.KeepUntilMs, false)
	member("category", &r.Category, false)
	member("weight", &r.Weight, false)
	for name, into := range map[string]any{
		"decided_at_ms": &r.DecidedAtMs, "display": &r.Display, "actor": &r.Actor, "provisional": &r.Provisional,
	} {
		_ = json.Unmarshal(read[name], into) // no answer depends on it: of another type it counts as missing
	}
	if json.Unmarshal(read["reasons"], &[]json.RawMessage{}) == nil {
		r.Reasons = read["reasons"]
	}
	if json.Unmarshal(read["evidence"], &map[string]json.RawMessage{}) == nil {
		r.Evidence = read["evidence"]
	}
	switch {
	case !valid, !versionForm.MatchString(r.Version), !actionForm.MatchString(r.Action),
		!slices.Contains([]string{"legal", "human", "automated"}, r.Source),
		r.Surface == "", r.Country == "", strings.Contains(r.Surface+r.Country, "|"), r.Hashtag == "",
		r.ExpiresAtMs < 0, r.KeepUntilMs < 0, r.Weight < 0, r.Weight > 1,
		r.ExpiresAtMs == 0 && !r.byPeople() && r.Action != "clear", r.Field() != name:
		return nil
	}
	return r
}

func newer(r, than *Register) bool { return than == nil || r.Version > than.Version }

// ---- Answers ----

// Answer says whether a surface may show a hashtag, and why: flagged, clear, stale or unavailable.
type Answer struct {
	Hashtag  string // in normal form
	Shown    bool
	Why      string
	Weight   float64   // factor on the hashtag's tweets in a ranking; 1 unless discounted
	Register *Register // the winner, or nil
	Warning  string    // UnknownSurface or UnknownCountry; "" for known ones
}

// Options of a client. The zero value has the defaults.
type Options struct {
	Hide         []string             // surfaces whose fallback is to hide; the others show
	MaxStaleness time.Duration        // 0: 120 s
	Now          func() time.Time     // nil: time.Now
	Log          func(message string) // nil: the standard logger
}

// Client is a copy of all registers, which Run keeps current. All methods are safe for concurrent use.
type Client struct {
	options    Options
	maxStaleMs int64

	mu          sync.RWMutex
	registers   map[string]*Register // effective: the server's, and carried ones
	server      map[string]*Register
	carried     map[string]*Register
	synced      bool
	incarnation string
	seq         int64
	lastID      string
	seenMs      int64
	lostAtMs    int64
	prunedMs    int64
	partitions  int
	heartbeats  map[int]heartbeat
	surfaces    map[string]bool

	noting    sync.Mutex
	logged    map[string]bool
	unknown   map[string]int64
	snapshots int
}

// New creates a client without flags; start Run in a goroutine.
func New(options Options) *Client {
	if options.MaxStaleness <= 0 {
		options.MaxStaleness = 120 * time.Second
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = func(message string) { log.Print("hushtag: " + message) }
	}
	if options.MaxStaleness < settlingMs*time.Millisecond {
		options.Log(fmt.Sprintf("MaxStaleness is %s, below 30s: the flags of a healthy pipeline are up to 25 s old, "+
			"so answers will change between current ones and the fallback", options.MaxStaleness))
	}
	return &Client{
		options: options, maxStaleMs: options.MaxStaleness.Milliseconds(), lastID: "0-0",
		registers: map[string]*Register{}, logged: map[string]bool{}, unknown: map[string]int64{},
	}
}

// Check returns whether a surface may show a hashtag, in any spelling, to viewers in a country ("" if unknown).
func (c *Client) Check(hashtag, surface, country string) Answer {
	nowMs, tag := c.options.Now().UnixMilli(), Normalise(hashtag)
	c.mu.RLock()
	defer c.mu.RUnlock()
	answer := c.answer(tag, surface, country, nowMs)
	answer.Warning = c.note(surface, country)
	return answer
}

func (c *Client) answer(tag, surface, country string, nowMs int64) Answer {
	fallback := Answer{Hashtag: tag, Shown: !slices.Contains(c.options.Hide, surface), Why: "stale", Weight: 1}
	if !c.synced {
		fallback.Why = "unavailable"
		return fallback
	}
	if nowMs >= c.seenMs+c.maxStaleMs {
		return fallback
	}
	beat, found := c.heartbeats[c.shard(tag)]
	current := found && nowMs < beat.SettledMs+c.maxStaleMs
	renewed := found && nowMs < max(beat.SettledMs, beat.RenewedMs)+c.maxStaleMs
	winner := c.winner(tag, surface, country, nowMs, !current && !renewed)
	if winner == nil {
		if !current {
			return fallback
		}
		return Answer{Hashtag: tag, Shown: true, Why: "clear", Weight: 1}
	}
	answer := Answer{Hashtag: tag, Shown: !winner.hides(), Why: "clear", Weight: 1, Register: winner}
	if winner.hides() {
		answer.Why = "flagged"
	}
	if winner.Action == "discount" {
		answer.Weight = winner.Weight
	}
	return answer
}

func (c *Client) shard(tag string) int {
	if c.partitions == 0 {
		return -1
	}
	return int(crc32.ChecksumIEEE([]byte(tag)) % uint32(c.partitions))
}

// places are the countries whose registers apply to a viewer, the viewer's own first.
func places(country string) []string {
	if len(country) == 2 && strings.ToLower(country) == country {
		country = strings.ToUpper(country)
	}
	if country == "" || country == world {
		return []string{world}
	}
	return []string{country, world}
}

func (c *Client) winner(tag, surface, country string, nowMs int64, peopleOnly bool) *Register {
	var lifted *Register
	for _, source := range []string{"legal", "human", "automated"} {
		for _, where := range places(country) {
			r := c.registers[field(surface, where, source, tag)]
			if !r.inForce(nowMs) || peopleOnly && !r.byPeople() {
				continue
			}
			if r.byPeople() || !r.hides() && r.Action != "discount" {
				return r
			}
			stop := c.lifting(r, country, nowMs)
			if stop == nil {
				return r
			}
			if lifted == nil {
				lifted = stop
			}
		}
	}
	return lifted
}

// lifting finds the stop button that covers an automated flag.
func (c *Client) lifting(r *Register, country string, nowMs int64) *Register {
	for _, where := range places(country) {
		stop := c.registers[field(r.Surface, where, "human", "*")]
		if stop.inForce(nowMs) && stop.Action == "allow" && slices.Contains([]string{"", "*", r.Category}, stop.Category) {
			return stop
		}
	}
	return nil
}

// Account returns whether an account may be shown to viewers in a country: visible, withheld or suspended.
func (c *Client) Account(id, country string) string { return c.visibility("account", id, country) }

// Tweet returns whether a tweet may be shown to viewers in a country: visible or withheld.
func (c *Client) Tweet(id, country string) string { return c.visibility("tweet", id, country) }

func (c *Client) visibility(surface, id, country string) string {
	nowMs := c.options.Now().UnixMilli()
	c.mu.RLock()
	defer c.mu.RUnlock()
	c.note(surface, country)
	restricts := func(where, source string) bool {
		r := c.registers[field(surface, where, source, id)]
		return r.inForce(nowMs) && r.hides()
	}
	if surface == "account" && restricts(world, "human") {
		return "suspended"
	}
	for _, where := range places(country) {
		if restricts(where, "legal") {
			return "withheld"
		}
	}
	return "visible"
}

// note returns the warning for a surface and a country, logs its value once and counts it.
func (c *Client) note(surface, country string) string {
	warning, value := "", surface
	known := len(country) == 2 && strings.Contains(countries, " "+places(country)[0]+" ")
	switch {
	case len(c.surfaces) > 0 && !c.surfaces[surface] && surface != "account" && surface != "tweet":
		warning = UnknownSurface
	case country != "" && country != world && !known:
		warning, value = UnknownCountry, country
	default:
		return ""
	}
	c.noting.Lock()
	defer c.noting.Unlock()
	c.unknown[warning]++
	if key := warning + fmt.Sprintf(" %.100q", value); !c.logged[key] && len(c.logged) < mostLogged {
		c.logged[key] = true
		c.options.Log(fmt.Sprintf("%s %.100q: no flag may apply to it", warning, value))
	}
	return warning
}

// Unknown returns how many checks had each warning.
func (c *Client) Unknown() map[string]int64 {
	c.noting.Lock()
	defer c.noting.Unlock()
	return map[string]int64{UnknownSurface: c.unknown[UnknownSurface], UnknownCountry: c.unknown[UnknownCountry]}
}

// Ready reports whether a complete snapshot was ever received.
func (c *Client) Ready() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.synced
}

// ---- Following the server ----

type heartbeat struct {
	SettledMs  int64           `json:"settled_ms"`
	AtMs       int64           `json:"at_ms"`
	Partitions int             `json:"partitions"`
	RenewedMs  int64           `json:"renewed_ms"`
	Surfaces   json.RawMessage `json:"surfaces"`
}

type position struct {
	incarnation, lastID string
	seq                 int64
	heartbeats          map[int]heartbeat
	reconciled          map[string]string
}

type change struct {
	id, incarnation, field, value string
	seq                           int64
}

// source answers a reader's four questions.
type source interface {
	poll(ctx context.Context) (position, error)
	mark(ctx context.Context) (position, error)
	scan(ctx context.Context, cursor uint64) (fieldsAndValues []string, next uint64, err error)
	read(ctx context.Context, after string, wait time.Duration) ([]change, error)
}

// Run follows a server until the context ends. While the server is away, the last known flags are served.
func (c *Client) Run(ctx context.Context, client *redis.Client) {
	failures, server := 0, redisSource{client}
	for ctx.Err() == nil {
		if err := c.round(ctx, server, pollEvery); err == nil {
			failures = 0
		} else if ctx.Err() == nil {
			if failures == 0 {
				c.options.Log("Redis does not answer, the last known flags are served: " + err.Error())
			}
			wait := min(longestWait, 50*time.Millisecond<<min(failures, 10))
			failures++
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
	}
}

// round polls once, then follows the stream until the next poll is due. Only Run's goroutine writes, so reads of the
// place need no lock here.
func (c *Client) round(ctx context.Context, server source, every time.Duration) error {
	due := time.Now().Add(every)
	state, err := server.poll(ctx)
	if err != nil {
		return err
	}
	if !c.synced || state.incarnation != c.incarnation || state.seq < c.seq {
		return c.snapshot(ctx, server)
	}
	c.observe(state)
	for {
		behind, wait := c.seq < state.seq, time.Until(due)
		if !behind && wait <= 0 {
			return nil
		}
		if behind {
			wait = -1
		}
		changes, err := server.read(ctx, c.lastID, wait)
		if err != nil {
			return err
		}
		if whole := c.apply(changes); !whole || behind && len(changes) == 0 {
			return c.snapshot(ctx, server)
		}
	}
}

func (c *Client) apply(changes []change) (whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range changes {
		if one.incarnation != c.incarnation || one.seq != c.seq+1 {
			return false
		}
		if r := decode(one.field, one.value); r != nil && newer(r, c.server[one.field]) {
			c.server[one.field] = r
			if newer(r, c.registers[one.field]) {
				c.registers[one.field] = r
			}
		}
		c.seq, c.lastID = one.seq, one.id
	}
	return true
}

func (c *Client) snapshot(ctx context.Context, server source) error {
	for {
		mark, err := server.mark(ctx)
		if err != nil {
			return err
		}
		found := map[string]*Register{}
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			var values []string
			if values, cursor, err = server.scan(ctx, cursor); err != nil {
				return err
			}
			for at := 0; at+1 < len(values); at += 2 {
				if r := decode(values[at], values[at+1]); r != nil && newer(r, found[values[at]]) {
					found[values[at]] = r
				}
			}
		}
		after, err := server.poll(ctx)
		if err != nil {
			return err
		}
		if after.incarnation == mark.incarnation && after.seq >= mark.seq {
			if mark.incarnation == "" { // what was read is of a life that began and ended meanwhile
				found = map[string]*Register{}
			}
			c.replace(found, mark)
			c.observe(after)
			return nil
		}
	}
}

func (c *Client) replace(found map[string]*Register, mark position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.synced && (mark.incarnation != c.incarnation || mark.seq < c.seq) { // a loss is no change of flags
		c.carried, c.lostAtMs = c.registers, c.options.Now().UnixMilli()
	}
	effective := maps.Clone(c.carried)
	if effective == nil {
		effective = map[string]*Register{}
	}
	for name, r := range found {
		if newer(r, effective[name]) {
			effective[name] = r
		}
	}
	c.registers, c.server, c.synced = effective, found, true
	c.incarnation, c.seq, c.lastID = mark.incarnation, mark.seq, mark.lastID
	c.snapshots++
}

func (c *Client) observe(state position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seenMs = c.options.Now().UnixMilli()
	c.observeShards(state)
	for name, r := range c.carried {
		partition := "moderation"
		if !r.byPeople() {
			partition = strconv.Itoa(c.shard(r.Hashtag))
		}
		restored := state.reconciled[partition] == c.incarnation && c.incarnation != ""
		if !restored && c.seenMs-c.lostAtMs < c.maxStaleMs {
			continue
		}
		delete(c.carried, name)
		if own := c.server[name]; own != nil {
			c.registers[name] = own
		} else {
			delete(c.registers, name)
		}
	}
	if c.seenMs-c.prunedMs >= pruneEveryMs {
		c.prunedMs = c.seenMs
		for name, r := range c.registers {
			if 0 < r.KeepUntilMs && r.KeepUntilMs <= c.seenMs {
				delete(c.registers, name)
				delete(c.server, name)
				delete(c.carried, name)
			}
		}
	}
}

func (c *Client) observeShards(state position) {
	partitions, latestMs := c.partitions, int64(-1)
	for _, beat := range state.heartbeats {
		if beat.AtMs > latestMs {
			partitions, latestMs = beat.Partitions, beat.AtMs
		}
	}
	used, surfaces := map[int]heartbeat{}, map[string]bool{}
	if partitions == c.partitions {
		for shard, beat := range c.heartbeats {
			used[shard] = beat
		}
	}
	for shard, beat := range state.heartbeats {
		if beat.Partitions != partitions {
			continue
		}
		var named []any
		if json.Unmarshal(beat.Surfaces, &named) == nil {
			for _, one := range named {
				if surface, isText := one.(string); isText {
					surfaces[surface] = true
				}
			}
		}
		if shard < partitions && state.reconciled[strconv.Itoa(shard)] == c.incarnation {
			used[shard] = beat
		}
	}
	c.partitions, c.heartbeats = partitions, used
	if len(surfaces) > 0 {
		c.surfaces = surfaces
	}
}

// ---- Redis ----

// RedisOptions parses a URL for go-redis: RESP2 and no CLIENT commands, which the rights of a reader leave out.
func RedisOptions(url string) (*redis.Options, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.Protocol, options.DisableIdentity, options.MaxRetries = 2, true, -1
	options.DialTimeout, options.ReadTimeout = 2*time.Second, 3*time.Second
	return options, nil
}

type redisSource struct{ *redis.Client }

func (s redisSource) poll(ctx context.Context) (position, error) {
	tx := s.TxPipeline()
	incarnation, seq := tx.Get(ctx, prefix+"incarnation"), tx.Get(ctx, prefix+"seq")
	beats, reconciled := tx.HGetAll(ctx, prefix+"heartbeats"), tx.HGetAll(ctx, prefix+"reconciled")
	if _, err := tx.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return position{}, err
	}
	state := position{incarnation: incarnation.Val(), seq: number(seq.Val()), reconciled: reconciled.Val()}
	state.heartbeats = map[int]heartbeat{}
	for name, value := range beats.Val() {
		addHeartbeat(state.heartbeats, name, value)
	}
	return state, beats.Err()
}

// addHeartbeat decodes a heartbeat; a malformed one counts as missing.
func addHeartbeat(into map[int]heartbeat, name, value string) {
	var beat heartbeat
	var required struct {
		SettledMs  *int64 `json:"settled_ms"`
		AtMs       *int64 `json:"at_ms"`
		Partitions *int   `json:"partitions"`
	}
	shard, err := strconv.Atoi(name)
	if err == nil && shard >= 0 && json.Unmarshal([]byte(value), &beat) == nil &&
		json.Unmarshal([]byte(value), &required) == nil && required.SettledMs != nil && required.AtMs != nil &&
		required.Partitions != nil && 0 < beat.Partitions && beat.Partitions <= mostShards {
		into[shard] = beat
	}
}

func (s redisSource) mark(ctx context.Context) (position, error) {
	tx := s.TxPipeline()
	incarnation, seq := tx.Get(ctx, prefix+"incarnation"), tx.Get(ctx, prefix+"seq")
	last := tx.XRevRangeN(ctx, prefix+"changes", "+", "-", 1)
	if _, err := tx.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return position{}, err
	}
	state := position{incarnation: incarnation.Val(), seq: number(seq.Val()), lastID: "0-0"}
	if entries := last.Val(); len(entries) > 0 {
		state.lastID = entries[0].ID
	}
	return state, last.Err()
}

func (s redisSource) scan(ctx context.Context, cursor uint64) ([]string, uint64, error) {
	return s.HScan(ctx, prefix+"registers", cursor, "", page).Result()
}

func (s redisSource) read(ctx context.Context, after string, wait time.Duration) ([]change, error) {
	if wait >= 0 {
		wait = max(wait, time.Millisecond) // BLOCK 0 waits without end
	}
	streams, err := s.XRead(ctx, &redis.XReadArgs{
		Streams: []string{prefix + "changes", after}, Count: page, Block: wait,
	}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	changes := []change{}
	for _, stream := range streams {
		for _, entry := range stream.Messages {
			text := func(name string) string { found, _ := entry.Values[name].(string); return found }
			changes = append(changes, change{
				id: entry.ID, incarnation: text("incarnation"), field: text("field"), value: text("value"),
				seq: number(text("seq")),
			})
		}
	}
	return changes, nil
}

// number parses a count; another program's text counts as 0.
func number(text string) int64 {
	parsed, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(0, parsed)
}
