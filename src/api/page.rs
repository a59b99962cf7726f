//! Lists that come in pages.
//!
//! Invariant: of a link to the next page only the query is used, so that no answer can lead us, and the token, to another
//! host or path. It must not know how a page is fetched.

use serde_json::Value;
use url::Url;

/// The most that the API gives at a time.
pub(crate) const PER_PAGE: &str = "200";

/// More pages than any account can fill: 100,000 objects of a kind.
const MOST_PAGES: usize = 500;

/// How many pages more than its total asks for a list may have: it grows while it is read.
const SPARE_PAGES: usize = 10;

/// How much of a list has been read: an end is in sight, or the server makes pages up.
#[derive(Debug, Default)]
pub(crate) struct Extent {
    pages: usize,
    longest: usize,
    last: Vec<Value>,
}

impl Extent {
    /// Takes note of a page after which another one is promised; `total` is what the server says of the whole.
    pub(crate) fn goes_on(&mut self, items: &[Value], total: Option<u64>) -> Result<(), String> {
        self.pages += 1;
        self.longest = self.longest.max(items.len());
        let expected = total.and_then(|total| usize::try_from(total).ok()).filter(|_| self.longest > 0);
        // Twice as many, since a page may be shorter than was asked for.
        let most = expected.map_or(MOST_PAGES, |total| (2 * total.div_ceil(self.longest) + SPARE_PAGES).min(MOST_PAGES));
        if self.pages >= most {
            return Err(format!("the links from page to page have no end: {} pages were read", self.pages));
        }
        if !items.is_empty() && items == self.last {
            return Err("the links from page to page have no end: a page came twice".into());
        }
        self.last = items.to_vec();
        Ok(())
    }
}

/// Whether a list can be asked for in pages of our size: the actions of addresses and images come in the API's own.
pub(crate) fn sized(path: &str) -> bool {
    let fixed = ["/reserved_ips/", "/floating_ips/", "/images/"];
    !(path.ends_with("/actions") && fixed.iter().any(|start| path.starts_with(start)))
}

/// The items of one page.
pub(crate) fn items(page: &mut Value, key: &str) -> Result<Vec<Value>, String> {
    match page.get_mut(key).map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        // Some parts of the API write an empty list as null or leave it out.
        Some(Value::Null) => Ok(Vec::new()),
        None if page.pointer("/meta/total").and_then(Value::as_u64) == Some(0) => Ok(Vec::new()),
        Some(_) => Err(format!("`{key}` in the answer is not a list")),
        None => Err(format!("the answer has no `{key}`")),
    }
}

/// The query of the next page, if there is one: that of the request, with what the link says instead.
pub(crate) fn next(page: &Value, query: &[(String, String)]) -> Result<Option<Vec<(String, String)>>, String> {
    let link = match page.pointer("/links/pages/next") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(link)) if link.is_empty() => return Ok(None),
        Some(Value::String(link)) => link,
        Some(_) => return Err("the link to the next page is not a text".into()),
    };
    let url = Url::parse(link).map_err(|error| format!("the link to the next page is not a URL: {error}"))?;
    let said: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let kept = query.iter().filter(|(name, _)| !said.iter().any(|(other, _)| other == name)).cloned();
    let next: Vec<_> = kept.chain(said.iter().cloned()).collect();
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_next_page_is_a_query() {
        let check = |link: Value, expected: Result<Option<Vec<(String, String)>>, ()>| {
            let page = json!({"links": {"pages": {"next": link}}});
            assert_eq!(next(&page, &pairs(&[("tag_name", "a:b"), ("per_page", "200")])).map_err(drop), expected, "{page}");
        };
        let second = pairs(&[("tag_name", "a:b"), ("per_page", "200"), ("page", "2")]);
        check(json!("https://api.example.com/v2/droplets?per_page=200&page=2"), Ok(Some(second.clone())));
        check(json!("https://evil.example/steal?per_page=200&page=2"), Ok(Some(second)));
        let theirs = pairs(&[("per_page", "200"), ("tag_name", "c"), ("page", "3")]);
        check(json!("http://h/?tag_name=c&page=3"), Ok(Some(theirs)));
        check(Value::Null, Ok(None));
        check(json!(""), Ok(None));
        check(json!("page 2"), Err(()));
        check(json!(2), Err(()));
    }

    #[test]
    fn a_list_without_end_ends() {
        let pages = |total: Option<u64>, page: &dyn Fn(usize) -> Vec<Value>| {
            let mut extent = Extent::default();
            (1..).find_map(|number| extent.goes_on(&page(number), total).err().map(|why| (number, why))).expect("an end")
        };
        let fresh = |number: usize| (0..20).map(|at| json!(number * 20 + at)).collect::<Vec<_>>();
        assert_eq!(pages(Some(50), &fresh).0, 16);
        assert_eq!(pages(None, &fresh).0, MOST_PAGES);
        assert_eq!(pages(Some(u64::MAX), &fresh).0, MOST_PAGES);
        assert_eq!(pages(Some(0), &|_| Vec::new()).0, MOST_PAGES);
        assert!(pages(Some(1000), &|_| vec![json!(1)]).1.ends_with("a page came twice"));
    }

    #[test]
    fn a_long_list_is_read_whole() {
        let mut extent = Extent::default();
        let full: Vec<Value> = (0..200).map(|at| json!(at)).collect();
        for page in 0..99_u64 {
            let items: Vec<Value> = full.iter().map(|at| json!([at, page])).collect();
            assert_eq!(extent.goes_on(&items, Some(20_000)), Ok(()));
        }
    }

    #[test]
    fn a_single_page_has_no_links() {
        for page in [json!({}), json!({"links": {}}), json!({"links": {"pages": {}}}), json!({"links": null})] {
            assert_eq!(next(&page, &[]), Ok(None), "{page}");
        }
    }

    #[test]
    fn most_lists_have_a_size() {
        for (path, expected) in
            [("/droplets", true), ("/droplets/1/actions", true), ("/actions", true), ("/reserved_ips/1.2.3.4/actions", false)]
        {
            assert_eq!(sized(path), expected, "{path}");
        }
    }

    #[test]
    fn items_are_a_list() {
        let check = |mut page: Value, expected: Result<Vec<Value>, &str>| {
            assert_eq!(items(&mut page, "tags"), expected.map_err(str::to_owned));
        };
        check(json!({"tags": [1, 2]}), Ok(vec![json!(1), json!(2)]));
        check(json!({"tags": null}), Ok(vec![]));
        check(json!({"meta": {"total": 0}}), Ok(vec![]));
        check(json!({"meta": {"total": 1}}), Err("the answer has no `tags`"));
        check(json!({"tags": {}}), Err("`tags` in the answer is not a list"));
        check(json!([]), Err("the answer has no `tags`"));
    }
}
