package simulator

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// dispatch runs a request to its answer. An error is either a textError or the
// error object of a failed sync call.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, in *incoming) error {
	if in.err != nil {
		return in.err
	}
	if id, ok := strings.CutPrefix(in.path, "/api-jobs/"); ok {
		return s.poll(w, r, id)
	}
	c := &call{Server: s, ctx: s.living(), op: in.op, request: in}
	if err := s.credentials(r, c); err != nil {
		return err
	}
	if err := s.bind(c); err != nil {
		return err
	}
	timeout := cmp.Or(in.op.timeout, 30*time.Minute)
	if header := r.Header.Get("X-API-Timeout"); header != "" {
		seconds, err := strconv.ParseInt(header, 10, 64)
		if err != nil {
			return refuse(http.StatusInternalServerError, "For input string: %q", header)
		}
		timeout = time.Duration(seconds) * time.Second
	}
	id := r.Header.Get("X-Job-UUID")
	if id != "" && len(id) != 32 && r.Method != http.MethodGet {
		return refuse(http.StatusBadRequest, "Invalid header[X-Job-UUID], it must be a 32 characters long UUID")
	}
	c.job = cmp.Or(id, newUUID())
	if !in.op.sync {
		return s.accept(w, c, timeout, r.Header.Get("X-Web-Hook"))
	}
	result, err := c.run()
	if err != nil {
		return err
	}
	schema(c.op, result, in.op.query || r.Header.Get("X-JSON-Schema") != "")
	writeJSON(w, http.StatusOK, result, true)
	return nil
}

// credentials reads the Authorization header. Whether a session is alive is
// asked later; an access key is verified at once.
func (s *Server) credentials(r *http.Request, c *call) error {
	if c.op.open {
		return nil
	}
	header := strings.TrimSpace(r.Header.Get("Authorization"))
	if token, ok := strings.CutPrefix(header, "OAuth"); ok {
		c.token = strings.TrimSpace(token)
		return nil
	}
	key, ok := strings.CutPrefix(header, "ZStack ")
	switch {
	case header == "":
		return refuse(http.StatusBadRequest, "missing header 'Authorization'")
	case !ok:
		return refuse(http.StatusBadRequest, "Authorization type must be either ZStack or OAuth")
	case s.options.Profile == Open:
		return refuse(http.StatusInternalServerError, "no authentication back end is registered for the type[ZStack]")
	}
	id, _, ok := strings.Cut(strings.TrimSpace(key), ":")
	if !ok {
		return refuse(http.StatusBadRequest, "the value of Authorization must be accessKeyId:signature")
	}
	for i := range s.accounts {
		if s.accounts[i].accessKeyID == id && id != "" {
			c.account = &s.accounts[i]
			return signatureAnswer(verifySignature(r, c.account.accessKeySecret, s.now()))
		}
	}
	return fail("ID.1001", "access key id[%s] 不存在", id)
}

// signatureAnswer gives an error of an access key its place in the protocol.
func signatureAnswer(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTimeTooSkewed):
		return refuse(http.StatusForbidden, "%v", err)
	case errors.Is(err, errWrongSignature):
		return fail("ID.1001", "%v", err)
	default:
		return refuse(http.StatusBadRequest, "%v", err)
	}
}

// run checks a call in the server's order, so that the first of several faults
// decides the error, and then does it. Its error is an errLost or an apiError.
func (c *call) run() (record, error) {
	dry, err := c.check()
	if err != nil || dry {
		return record{}, err
	}
	fault := c.request.fault
	if fault == nil || c.request.faultAfter {
		result, err := c.op.handle(c)
		if fault == nil || err != nil {
			return result, err
		}
	}
	return nil, &apiError{raw: fault}
}

// check evaluates all rules. dry says that the caller wanted no more than that.
func (c *call) check() (dry bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.validate(); err != nil {
		return false, err
	}
	if err := c.authorise(); err != nil {
		return false, err
	}
	if err := c.ownership(); err != nil {
		return false, err
	}
	if uuid, given := c.params["resourceUuid"]; given && !isUUID(uuid) {
		return false, fail("SYS.1007", "资源UUID[%v]不是合法的UUID，必须匹配[0-9a-f]{8}[0-9a-f]{4}[1-5][0-9a-f]{3}[89ab][0-9a-f]{3}[0-9a-f]{12}", uuid)
	}
	if c.op.checks != nil {
		if err := c.op.checks(c); err != nil {
			return false, err
		}
	}
	if err := c.checkTags(); err != nil {
		return false, err
	}
	if c.op.quota != nil && !c.account.admin {
		if err := c.op.quota(c); err != nil {
			return false, err
		}
	}
	return c.isDry(), nil
}

// authorise finds the caller and moves the end of the session. The caller holds mu.
func (c *call) authorise() error {
	if c.op.open {
		return nil
	}
	if c.account == nil {
		session := c.store.Sessions[c.token]
		if session == nil || !c.now().Before(session.Expires) {
			return fail("ID.1001", "会话[uuid:%s]已过期或不存在", c.token)
		}
		for i := range c.accounts {
			if c.accounts[i].uuid == session.Account {
				c.account = &c.accounts[i]
			}
		}
		if c.account == nil {
			return fail("ID.1001", "会话[uuid:%s]的账户已不存在", c.token)
		}
		session.Expires = c.now().Add(sessionTimeout)
	}
	if c.op.admin && !c.account.admin {
		return fail("ID.1002", "账户[%s]无权调用API[%s]", c.account.name, c.op.name)
	}
	return nil
}
