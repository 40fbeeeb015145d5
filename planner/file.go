package planner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"zfleet/spec"
)

// Counts holds how many machines a plan treats how; they add up to all machines.
type Counts struct {
	Create, Update, Replace, Delete, Keep, Blocked int
}

// Counts counts the changes by action.
func (p *Plan) Counts() Counts {
	var n Counts
	for _, c := range p.Changes {
		switch c.Action {
		case Create:
			n.Create++
		case Update:
			n.Update++
		case Replace:
			n.Replace++
		case Delete:
			n.Delete++
		case Keep:
			n.Keep++
		case Blocked:
			n.Blocked++
		}
	}
	return n
}

// digest is the SHA-256 (64 hex) of the plan without its digest and without its
// preflight: what a cloud has left changes all the time, and the plan is the same.
func (p *Plan) digest() string {
	bare := *p
	bare.Digest = ""
	if p.Preflight != nil {
		bare.Preflight = &Preflight{} // that there is one counts
		bare.Notes = filter(p.Notes, func(d spec.Diagnostic) bool { return !tellsOfRoom(d) })
	}
	return digestOf(&bare)
}

// tellsOfRoom reports whether a finding is one of the preflight, whose words are
// others as soon as somebody else makes a machine.
func tellsOfRoom(d spec.Diagnostic) bool {
	switch d.Code {
	case codeNoAddresses, codeNoRoom, codeNoHost, codeNoStorage, codeOverQuota:
		return true
	}
	return false
}

// preflightDigest ties the preflight, and what it found, to the plan.
func (p *Plan) preflightDigest() string {
	bare := *p.Preflight
	bare.Digest = ""
	return digestOf(struct {
		Plan      string
		Preflight *Preflight
		Notes     []spec.Diagnostic `json:",omitempty"`
	}{p.Digest, &bare, filter(p.Notes, tellsOfRoom)})
}

func digestOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "" // only for types that JSON does not know, which a plan has not
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// portable leaves of absolute paths the last part: where a checkout lies is of
// the computer, not of the plan.
func (p *Plan) portable() {
	local := func(pos *spec.Pos) {
		rooted := strings.HasPrefix(pos.File, "/") || strings.HasPrefix(pos.File, `\\`) || len(pos.File) > 1 && pos.File[1] == ':'
		if cut := strings.LastIndexAny(pos.File, `/\`); rooted && cut >= 0 {
			pos.File = pos.File[cut+1:]
		}
	}
	p.Notes, p.Refusals = slices.Clone(p.Notes), slices.Clone(p.Refusals) // they are others' too
	for i := range p.Changes {
		local(&p.Changes[i].Pos)
	}
	for i := range p.Notes {
		local(&p.Notes[i].Pos)
	}
	for i := range p.Refusals {
		local(&p.Refusals[i].Pos)
	}
}

// Encode returns the plan file: indented JSON, the same bytes for the same plan.
func (p *Plan) Encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(p)
	return out.Bytes(), err
}

// DigestError says that a plan file is not as it was written.
type DigestError struct{ What string }

func (e *DigestError) Error() string {
	return e.What + "; make the plan again and do not edit it by hand"
}

// reads reports whether a reader of one format version may take a document of
// another one. What such a document says is done, or planned with: so there must
// be nothing in it that the reader does not know, which a newer minor may have.
func reads(own, version string) bool {
	ownMajor, ownMinor, _ := strings.Cut(own, ".")
	major, minor, _ := strings.Cut(version, ".")
	most, err1 := strconv.Atoi(ownMinor)
	n, err2 := strconv.Atoi(minor)
	return err1 == nil && err2 == nil && major == ownMajor && 0 <= n && n <= most
}

// Decode reads a plan file. It refuses newer and unknown versions, unknown fields,
// and with a DigestError a digest that does not fit, steps that do not follow
// from the changes, and changes that contradict themselves.
func Decode(data []byte) (*Plan, error) {
	var plan Plan
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&plan)
	if err != nil || !reads(formatVersion, plan.FormatVersion) || len(bytes.Trim(data[decoder.InputOffset():], " \t\r\n")) > 0 {
		// What is unknown in a plan of another version is no mistake in it: that
		// is found out only here, as plans are large and reading them twice is slow.
		if err := versionOf(data); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("not a plan file: %w", plainJSON(err))
	}
	if plan.digest() != plan.Digest {
		return nil, &DigestError{"the digest of the plan does not fit its content"}
	}
	if plan.Preflight != nil && plan.preflightDigest() != plan.Preflight.Digest {
		return nil, &DigestError{"the digest of the plan's preflight does not fit its content"}
	}
	for i := range plan.Changes {
		if err := plan.Changes[i].complete(); err != nil {
			return nil, &DigestError{err.Error()}
		}
	}
	if !sameSteps(plan.Steps, DeriveSteps(plan.Scope, plan.Changes)) {
		return nil, &DigestError{"the steps of the plan do not follow from its changes"}
	}
	if err := plan.sound(); err != nil {
		return nil, &DigestError{err.Error()}
	}
	if !plan.writtenAs(data) {
		return nil, &DigestError{"the plan file is not as zfleet wrote it"}
	}
	return &plan, nil
}

// versionOf refuses what is no JSON, or a plan of a version that is not read here.
func versionOf(data []byte) error {
	var version struct {
		FormatVersion string `json:"format_version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return fmt.Errorf("not a plan file: %w", err)
	}
	if !reads(formatVersion, version.FormatVersion) {
		return fmt.Errorf("the plan has format version %q and this zfleet reads %s; make the plan again with this zfleet", version.FormatVersion, formatVersion)
	}
	return nil
}

// sameSteps reports whether two lists of steps are written alike.
func sameSteps(a, b []Step) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// writtenAs reports whether the plan is what the data says to whoever reads it:
// no key twice, none in another spelling, no number in another form. White
// space may differ.
func (p *Plan) writtenAs(data []byte) bool {
	var want, got bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false) // as Encode does
	return encoder.Encode(p) == nil && json.Compact(&got, data) == nil && bytes.Equal(bytes.TrimSpace(want.Bytes()), bytes.TrimSpace(got.Bytes()))
}

// complete reports a change that lacks what its steps are derived from.
func (c *Change) complete() error {
	switch {
	case (c.Action == Create || c.Action == Replace) && c.Blueprint == nil:
		return fmt.Errorf("change %q has no blueprint", c.Key)
	case c.Action == Update && c.Edit == nil:
		return fmt.Errorf("change %q has no edit", c.Key)
	case c.Action.Symbol() == "?":
		return fmt.Errorf("change %q has the unknown action %q", c.Key, c.Action)
	}
	return nil
}

// decoderOf returns what reads the operation of a verb, or nil.
func decoderOf(verb string) func([]byte) (Op, error) {
	switch verb {
	case CreateVM{}.Verb():
		return decodeOp[CreateVM]
	case TagDisks{}.Verb():
		return decodeOp[TagDisks]
	case UpdateVM{}.Verb():
		return decodeOp[UpdateVM]
	case ChangeOffering{}.Verb():
		return decodeOp[ChangeOffering]
	case SetHostname{}.Verb():
		return decodeOp[SetHostname]
	case SetConsolePassword{}.Verb():
		return decodeOp[SetConsolePassword]
	case StopVM{}.Verb():
		return decodeOp[StopVM]
	case StartVM{}.Verb():
		return decodeOp[StartVM]
	case DestroyVM{}.Verb():
		return decodeOp[DestroyVM]
	case DeleteDisk{}.Verb():
		return decodeOp[DeleteDisk]
	case AddTag{}.Verb():
		return decodeOp[AddTag]
	case RemoveTag{}.Verb():
		return decodeOp[RemoveTag]
	case AttachTag{}.Verb():
		return decodeOp[AttachTag]
	case DetachTag{}.Verb():
		return decodeOp[DetachTag]
	}
	return nil
}

func decodeOp[T Op](data []byte) (Op, error) {
	var op T
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&op)
	return op, err
}

// plainStep is a Step as it stands in a plan file: the operation has its verb
// beside it. The operation is known when it is written, and read after its verb.
type plainStep[T any] struct {
	ID    StepID   `json:"id"`
	Key   string   `json:"key"`
	UUID  string   `json:"uuid,omitempty"`
	Verb  string   `json:"verb"`
	Op    T        `json:"op"`
	Needs []StepID `json:"needs,omitempty"`
	Uses  []Use    `json:"uses,omitempty"`

	Claims []string `json:"claims,omitempty"`
	Yields []string `json:"yields,omitempty"`
}

// MarshalJSON writes the verb of the operation beside the operation.
func (s Step) MarshalJSON() ([]byte, error) {
	return json.Marshal(plainStep[Op]{s.ID, s.Key, s.UUID, s.Op.Verb(), s.Op, s.Needs, s.Uses, s.Claims, s.Yields})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Step) UnmarshalJSON(data []byte) error {
	var plain plainStep[json.RawMessage]
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&plain); err != nil {
		return err
	}
	decode := decoderOf(plain.Verb)
	if decode == nil {
		return fmt.Errorf("step %q has the unknown verb %q", plain.ID, plain.Verb)
	}
	op, err := decode(plain.Op)
	if err != nil {
		return fmt.Errorf("step %q: %w", plain.ID, err)
	}
	*s = Step{ID: plain.ID, Key: plain.Key, UUID: plain.UUID, Op: op, Needs: plain.Needs, Uses: plain.Uses, Claims: plain.Claims, Yields: plain.Yields}
	return nil
}

// CheckSecrets checks that the secrets which a plan refers to have the values
// that it was made with. values maps spec.Text.Path to values.
func CheckSecrets(plan *Plan, values map[string]string) error {
	asked := make(map[string]string) // path to digest
	for _, c := range plan.Changes {
		if c.Blueprint != nil {
			for _, s := range c.Blueprint.Secrets {
				asked[s.Secret] = s.Digest
			}
		}
		if c.Edit != nil && c.Edit.Password != nil {
			asked[c.Edit.Password.Secret] = c.Edit.Password.Digest
		}
	}
	var missing, changed, texts []string
	for path := range asked {
		texts = append(texts, values[path])
	}
	digests := newSecretDigests(plan.Scope, texts)
	for _, path := range slices.Sorted(maps.Keys(asked)) {
		switch value, ok := values[path]; {
		case !ok:
			missing = append(missing, path)
		case digests[value] != asked[path]:
			changed = append(changed, path)
		}
	}
	switch {
	case missing != nil:
		return fmt.Errorf("the plan refers to secrets that are not given: %s", firstOf(missing))
	case changed != nil:
		return &DigestError{"secrets are not those that the plan was made with: " + firstOf(changed)}
	}
	return nil
}

// firstOf lists the first of texts that may be as many as there are machines.
func firstOf(texts []string) string {
	const most = 6
	if len(texts) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
	}
	return strings.Join(texts, ", ")
}
