package sqlscan

// The lists below name what was looked up in each server's manual. A function
// that is missing makes a statement uncacheable, never wrong.

var commonFunctions = map[fn]string{
	pure: `abs acos asin atan ceiling ceil cos exp floor log log10 pi power round sign sin sqrt tan degrees radians
		lower upper replace substring coalesce nullif cast
		count sum avg min max
		row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value
		char varchar decimal numeric`,
}

var sqliteFunctions = map[fn]string{
	pure: `glob hex ifnull iif if instr length like likelihood likely unlikely ltrim rtrim trim
		octet_length printf format quote round soundex substr typeof unhex unicode unistr unistr_quote zeroblob
		concat concat_ws char total group_concat string_agg nth_value raise
		acosh asinh atan2 atanh ceil cosh ln log2 mod pow sinh tanh trunc median percentile percentile_cont
		percentile_disc
		json jsonb json_array jsonb_array json_array_length json_error_position json_extract jsonb_extract
		json_insert jsonb_insert json_object jsonb_object json_patch jsonb_patch json_pretty json_remove
		jsonb_remove json_replace jsonb_replace json_set jsonb_set json_type json_valid json_quote
		json_group_array jsonb_group_array json_group_object jsonb_group_object json_array_insert
		jsonb_array_insert
		bm25 highlight snippet offsets matchinfo timediff match
		decimal_add decimal_cmp decimal_mul decimal_sub decimal_sum
		integer text real blob clob character nchar nvarchar int bigint boolean float double`,
	pure1:    `date time datetime julianday unixepoch`,
	pure2:    `strftime`,
	tables:   `json_each json_tree jsonb_each jsonb_tree generate_series`,
	harmless: `random randomblob changes total_changes last_insert_rowid sqlite_version sqlite_source_id`,
}

var sqlserverFunctions = map[fn]string{
	pure: `acos asin atan atn2 cot square log
		ascii char charindex concat concat_ws datalength difference format left len ltrim nchar patindex quotename
		replicate reverse right rtrim soundex space str string_agg string_escape stuff translate trim unicode
		isnull isnumeric isdate iif choose greatest least convert try_cast try_convert parse try_parse checksum
		checksum_agg binary_checksum hashbytes compress decompress
		dateadd datediff datediff_big datefromparts datename datepart datetime2fromparts datetimefromparts
		datetimeoffsetfromparts day eomonth month year switchoffset todatetimeoffset timefromparts datetrunc
		date_bucket smalldatetimefromparts
		stdev stdevp var varp grouping grouping_id approx_count_distinct percentile_cont percentile_disc count_big
		json_value json_query json_modify json_object json_array json_path_exists isjson
		nvarchar varbinary binary datetime2 time datetimeoffset float bigint int bit
		bit_count get_bit set_bit left_shift right_shift top rollup cube sets
		nolock readuncommitted readpast updlock xlock rowlock tablock tablockx holdlock index`,
	tables: `openjson string_split generate_series`,
	harmless: `getdate getutcdate sysdatetime sysutcdatetime sysdatetimeoffset newid newsequentialid rand
		scope_identity ident_current ident_seed ident_incr db_name db_id object_id object_name schema_name
		schema_id suser_sname suser_name suser_id user_name user_id host_name host_id app_name serverproperty
		original_login session_context context_info error_message error_number xact_state col_length col_name
		columnproperty objectproperty databasepropertyex type_id type_name rowcount_big current_timestamp
		current_transaction_id is_member is_srvrolemember has_perms_by_name permissions`,
}
