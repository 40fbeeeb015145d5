package simulator

import (
	"crypto/sha512"
	"encoding/hex"
	"time"
)

const (
	sessionTimeout = 2 * time.Hour
	maxSessions    = 500 // of one account at the same time
	serverVersion  = "5.2.1"
)

var sessionOperations = []*operation{
	{name: "LogInByAccount", method: "PUT", path: "/accounts/login", action: "logInByAccount", sync: true, open: true, handle: logIn,
		params: []param{
			{name: "accountName", required: true},
			{name: "password", required: true},
			{name: "accountType"}, {name: "captchaUuid"}, {name: "verifyCode"},
			{name: "clientInfo", kind: kindMap},
		}},
	{name: "ValidateSession", method: "GET", path: "/accounts/sessions/{sessionUuid}/valid", sync: true, open: true, handle: validateSession},
	{name: "RenewSession", method: "PUT", path: "/accounts/sessions/{sessionUuid}/renew", action: "renewSession", handle: renewSession,
		params: []param{{name: "sessionUuid"}, {name: "duration", kind: kindInt, low: 60, high: 31536000}}},
	{name: "LogOut", method: "DELETE", path: "/accounts/sessions/{sessionUuid}", sync: true, open: true, handle: logOut},
	{name: "GetVersion", method: "PUT", path: "/management-nodes/actions", action: "getVersion", sync: true, open: true, handle: getVersion},
	{name: "GetCurrentTime", method: "PUT", path: "/management-nodes/actions", action: "getCurrentTime", sync: true, open: true, handle: getCurrentTime},
	{name: "GetPlatformTimeZone", method: "GET", path: "/management-nodes/platform-timezone", sync: true, open: true, handle: getTimeZone},
	{name: "IsReadyToGo", method: "GET", path: "/management-nodes/ready", sync: true, open: true,
		params: []param{{name: "managementNodeId"}},
		handle: func(*call) (record, error) { return record{}, nil }},
}

// logIn compares the SHA-512 of the password, which the client sends.
func logIn(c *call) (record, error) {
	for _, account := range c.accounts {
		if account.name != c.text("accountName") {
			continue
		}
		sum := sha512.Sum512([]byte(account.password))
		if hex.EncodeToString(sum[:]) != c.text("password") {
			break
		}
		return c.openSession(account)
	}
	return nil, fail("ID.1000", "用户名或密码错误")
}

func (c *call) openSession(account dcAccount) (record, error) {
	var inventory record
	err := c.locked(func() error {
		alive, now := 0, c.now()
		for uuid, s := range c.store.Sessions {
			switch {
			case !now.Before(s.Expires):
				delete(c.store.Sessions, uuid)
			case s.Account == account.uuid:
				alive++
			}
		}
		if alive >= maxSessions {
			return fail("ID.1006", "登录会话数量超过限制[%d]", maxSessions)
		}
		opened := &session{UUID: newUUID(), Account: account.uuid, Created: now, Expires: now.Add(sessionTimeout)}
		c.store.Sessions[opened.UUID] = opened
		inventory = record{
			"uuid":                opened.UUID,
			"accountUuid":         account.uuid,
			"userUuid":            account.uuid,
			"expiredDate":         formatDate(opened.Expires),
			"createDate":          formatDate(opened.Created),
			"noSessionEvaluation": false,
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return record{"inventory": inventory}, nil
}

func validateSession(c *call) (record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.store.Sessions[c.text("sessionUuid")]
	return record{"valid": s != nil && c.now().Before(s.Expires), "success": true}, nil
}

func renewSession(c *call) (record, error) {
	var inventory record
	err := c.locked(func() error {
		s := c.store.Sessions[c.text("sessionUuid")]
		if s == nil {
			return fail("ID.1001", "会话已过期或不存在")
		}
		if seconds := number(c.params, "duration"); seconds > 0 {
			s.Expires = c.now().Add(time.Duration(seconds) * time.Second)
		}
		inventory = record{"uuid": s.UUID, "accountUuid": s.Account, "userUuid": s.Account,
			"expiredDate": formatDate(s.Expires), "createDate": formatDate(s.Created)}
		return nil
	})
	return record{"inventory": inventory}, err
}

func logOut(c *call) (record, error) {
	return record{}, c.locked(func() error {
		delete(c.store.Sessions, c.text("sessionUuid"))
		return nil
	})
}

// expireSessions ends every session, as when their two hours were over.
func (s *Server) expireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.store.Sessions)
	s.changed()
}

func getVersion(*call) (record, error) {
	return record{"success": true, "version": serverVersion}, nil
}

func getCurrentTime(c *call) (record, error) {
	now := c.now()
	return record{"success": true, "currentTime": record{"MillionSeconds": now.UnixMilli(), "Seconds": now.Unix()}}, nil
}

func getTimeZone(c *call) (record, error) {
	name, _ := c.now().Local().Zone()
	return record{"success": true, "timezone": name, "offset": c.now().Local().Format("-07:00")}, nil
}
